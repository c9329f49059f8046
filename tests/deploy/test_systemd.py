"""The units of deploy/systemd: systemd's check and security review, and a front on its socket."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from queueproxy.management.commands import runqueueproxy, runqueueworker

from ..kit.processes import ROOT
from ..kit.waiting import wait_until
from .tools import DEPLOY, run, tool

UNITS = DEPLOY / "systemd"
FRONT, WORKER = "queueproxy-front@.service", "queueproxy-worker.service"
SOCKET = "queueproxy-front.socket"
PYTHON = "/srv/mysite/venv/bin/python"
HIGHEST_EXPOSURE = 30  # of 100, by `systemd-analyze security`; a unit without a word has 96


@pytest.fixture
def units(tmp_path):
    """The units, with a Python that is there."""
    for file in (FRONT, WORKER, SOCKET):
        text = (UNITS / file).read_text()
        (tmp_path / file).write_text(text.replace(PYTHON, sys.executable))
    (tmp_path / "queueproxy-front@1.service").symlink_to(tmp_path / FRONT)
    return tmp_path


@pytest.mark.parametrize("unit", [SOCKET, "queueproxy-front@1.service", WORKER])
def test_systemd_finds_nothing(units, unit):
    done = run("systemd-analyze", "verify", "--man=no", units / unit)
    about_ours = [line for line in done.stdout.splitlines() if "queueproxy" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_systemd_does_find_mistakes(units):
    """So that the test above says something."""
    file = units / WORKER
    file.write_text(file.read_text().replace("KillMode=mixed", "KillMode=gently\nNoSuchKey=1"))
    done = run("systemd-analyze", "verify", "--man=no", file)
    assert "kill mode" in done.stdout
    assert "NoSuchKey" in done.stdout


@pytest.mark.parametrize("unit", ["queueproxy-front@1.service", WORKER])
def test_little_is_exposed(units, unit):
    words = ("security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}", "--no-pager")
    done = run("systemd-analyze", *words, units / unit)
    assert done.returncode == 0, done.stdout


def value(unit: str, key: str) -> str:
    """What a unit says last."""
    return re.findall(rf"^{key}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)[-1]


@pytest.mark.parametrize(("unit", "command"), [(FRONT, runqueueproxy), (WORKER, runqueueworker)])
def test_the_command_is_understood_and_has_the_time_it_wants(unit, command):
    python, _, name, *words = value(unit, "ExecStart").split()
    assert python == PYTHON
    assert name == command.__name__.rpartition(".")[2]
    options = command.Command().create_parser("manage.py", name).parse_args(words)
    assert float(value(unit, "TimeoutStopSec")) >= options.graceful_timeout + 15
    assert value(unit, "Restart") == "always"


def test_reload_replaces_the_workers():
    assert value(WORKER, "ExecReload") == "/bin/kill -HUP $MAINPID"


@pytest.fixture
def directory():
    directory = Path(tempfile.mkdtemp(prefix="qpunit-"))  # short enough for a socket's path
    yield directory
    shutil.rmtree(directory)


def test_a_front_takes_the_socket_that_systemd_opened(directory, broker):
    """As the unit starts it; systemd-socket-activate opens the socket and hands it over."""
    words = value(FRONT, "ExecStart").split()[2:]
    socket = directory / "front.sock"
    handed = ("DJANGO_SETTINGS_MODULE", "QUEUEPROXY_BROKER_URL", "PYTHONPATH", "PATH")
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.probe.settings",
        "PROBE_LEDGER": str(directory / "ledger"),
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [tool("systemd-socket-activate"), "-l", str(socket)]
        + [word for name in (*handed, "PROBE_LEDGER") for word in ("-E", name)]
        + [sys.executable, "-m", "django", *words],
        env={**os.environ, **settings},
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        wait_until(socket.exists, "the socket")
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=60) as client:
            # The first connection starts the front, and waits for it in the socket's backlog.
            assert client.get("http://front/-/livez").status_code == 200
        process.terminate()
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
