"""A second terminal beside `runqueueproxy --embedded`: which broker its commands ask."""

import subprocess
import sys
import time

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from queueproxy import conf
from queueproxy.cli.private_broker import use_private_broker
from queueproxy.keys import Keys

from ..kit.broker_server import BrokerServer

ENTERS = """
import signal, sys
from pathlib import Path
from queueproxy.cli.run_files import FRONT, RunDirectory
path, settings, url = sys.argv[1:]
project = {"settings": settings, "namespace": "queueproxy"}
with RunDirectory(Path(path), project).entered(FRONT, {"broker": url}):
    print("entered", flush=True)
    signal.pause()
"""


@pytest.fixture(scope="module")
def private():
    """The server of somebody's `--embedded`."""
    server = BrokerServer().start()
    yield server
    server.stop()


@pytest.fixture
def run_dir(tmp_path, broker, monkeypatch):
    """The directory of a project whose own broker is the tests' server."""
    monkeypatch.delenv(conf.BROKER_URL_VARIABLE)
    for name in (conf.BROKER_URL_VARIABLE, conf.EMBEDDED_URL_VARIABLE, "REDIS_URL"):
        monkeypatch.setenv(name, "")  # so that it is taken away again
        monkeypatch.delenv(name)
    caches = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "queueproxy": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": broker.url},
    }
    path = tmp_path / "run"
    with override_settings(CACHES=caches, QUEUEPROXY={"RUN_DIR": str(path)}):
        yield path


@pytest.fixture
def front(run_dir):
    """Starts a front that says it has a private broker; ends it."""
    started = []

    def front(url: str, settings: str = "project.settings") -> subprocess.Popen:
        words = [sys.executable, "-c", ENTERS, str(run_dir), settings, url]
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "entered\n"
        return started[-1]

    yield front
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def chosen() -> tuple[str, str]:
    """The broker's address, and what was said."""
    said = []
    use_private_broker(said.append)
    return conf.broker().address.url, " ".join(said)


def test_that_of_a_running_front(front, private, broker):
    process = front(private.url)
    assert chosen() == (private.url, f"This is the private broker of process {process.pid}.")


def test_caches_are_there_too(front, private):
    front(private.url)
    use_private_broker(lambda text: None)
    assert conf.django_settings.CACHES["queueproxy"]["LOCATION"] == f"{private.url}?db=2"


def test_not_that_of_a_front_that_was_killed(front, private, broker):
    process = front(private.url)
    process.kill()
    process.wait()
    assert chosen() == (broker.url, "")


def test_not_that_of_another_project(front, private, broker):
    front(private.url, settings="other.settings")
    assert chosen() == (broker.url, "")


def test_not_what_is_no_socket_of_this_machine(front, broker):
    front("redis://example.com:6379/0")
    assert chosen() == (broker.url, "")


def test_the_projects_own_goes_first_where_it_serves(front, private, broker):
    process = front(private.url)
    broker.client().zadd(Keys("queueproxy").workers, {"w": time.time() * 1000})
    url, said = chosen()
    assert url == broker.url
    assert f"A private one runs in process {process.pid}" in said
    assert f"{conf.BROKER_URL_VARIABLE}={private.url}" in said


def test_the_environment_goes_first(front, private, monkeypatch):
    front(private.url)
    monkeypatch.setenv(conf.BROKER_URL_VARIABLE, "unix:///named.sock")
    assert chosen() == ("unix:///named.sock", "")


def test_two_are_a_question(front, private, capsys):
    front(private.url)
    front("unix:///other.sock")
    with pytest.raises(CommandError, match="Say which: QUEUEPROXY_BROKER_URL=unix:"):
        use_private_broker(lambda text: None)


# reload and stop, by themselves.


@pytest.mark.parametrize(
    ("action", "status", "words"),
    [("reload", 1, "No workers of this project run here"), ("stop", 0, "Nothing that could be")],
)
def test_nobody_runs(run_dir, capsys, action, status, words):
    with pytest.raises(SystemExit) as ended:
        call_command("queueproxy", action)
    assert ended.value.code == status
    assert words in capsys.readouterr().err


def test_a_front_is_stopped(front, private, capsys):
    process = front(private.url)
    with pytest.raises(SystemExit) as ended:
        call_command("queueproxy", "stop")
    assert ended.value.code == 0
    assert f"Stopped: front {process.pid}." in capsys.readouterr().out
    assert process.wait(10) == -15


def test_it_is_not_known_where_to_look(front, private):
    with (
        override_settings(QUEUEPROXY={}, BASE_DIR=None),
        pytest.raises(CommandError, match="RUN_DIR") as refused,
    ):
        call_command("queueproxy", "stop")
    assert refused.value.returncode == 2
