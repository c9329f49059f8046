"""The Dockerfile and the compose file: read by their tools; their commands run as they stand."""

import json
import re
import shlex
import subprocess
import sys

import httpx
import pytest
import yaml

from queueproxy.management.commands import queueproxy, runqueueproxy, runqueueworker

from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.processes import STARTS_WITHIN
from ..kit.waiting import wait_until
from .tools import DEPLOY, ROOT, run

DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
COMPOSE = DEPLOY / "docker" / "compose.yaml"
COMMANDS = {
    "queueproxy": queueproxy,
    "runqueueproxy": runqueueproxy,
    "runqueueworker": runqueueworker,
}
SECRETS = {"SECRET_KEY": "s" * 50, "POSTGRES_PASSWORD": "p"}


@pytest.fixture(scope="module")
def services():
    """The services as compose itself resolves them."""
    words = ("-f", COMPOSE, "--profile", "migrate", "config", "--format", "json")
    done = run("docker-compose", *words, **SECRETS)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)["services"]


def test_the_linter_finds_nothing():
    done = run("hadolint", DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_asks_for_its_secrets():
    done = run("docker-compose", "-f", COMPOSE, "config", "-q")
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stdout


def test_no_secret_is_in_the_files():
    for file in (DOCKERFILE, COMPOSE):
        for word in re.findall(
            r"^[^#$]*(?:KEY|PASSWORD)[=:] *(\S+)", file.read_text(), re.MULTILINE
        ):
            assert word.startswith("${") or word == "for-collectstatic-only", word


def command_of(service: dict) -> list[str]:
    """What a service runs: its own command, or the image's."""
    image = json.loads(re.findall(r"^CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)[-1])
    return service.get("command") or image


def seconds(length: str) -> int:
    """Compose's ``1m30s``."""
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", length).groups()
    return int(minutes or 0) * 60 + int(rest or 0)


@pytest.mark.parametrize("name", ["front", "worker", "migrate"])
def test_a_service_says_what_the_command_understands(services, name):
    python, manage, command, *words = command_of(services[name])
    assert (python, manage) == ("python", "manage.py")
    parser = COMMANDS[command].Command().create_parser(manage, command)
    options = parser.parse_args(words)
    if name != "migrate":
        # The signal comes to the process itself, and it has the time that it takes for itself.
        assert seconds(services[name]["stop_grace_period"]) >= options.graceful_timeout + 15


def test_the_signal_is_the_one_that_drains():
    assert re.findall(r"^STOPSIGNAL (\w+)", DOCKERFILE.read_text(), re.MULTILINE) == ["SIGTERM"]


def test_the_queue_throws_nothing_away_and_the_cache_is_elsewhere(services):
    words = services["broker"]["command"]
    queue = dict(zip(words[1::2], words[2::2], strict=True))
    assert queue["--maxmemory-policy"] == "noeviction"
    assert queue["--appendonly"] == "yes"
    environment = services["front"]["environment"]
    assert environment["QUEUE_URL"].split("/")[2] != environment["REDIS_URL"].split("/")[2]


def test_what_is_copied_is_there_and_not_ignored():
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE.read_text(), re.MULTILINE)
    kept = re.findall(
        r"^!(\S+)$", (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text(), re.M
    )
    assert set(copied) == set(kept)
    assert all((ROOT / name).exists() for name in copied)


@pytest.fixture
def container(tmp_path, broker):
    """Runs commands in a tree that holds what the image copies and nothing else."""
    tree = tmp_path / "app"
    tree.mkdir()
    for name in re.findall(r"^COPY (?!--from)(\S+) \./", DOCKERFILE.read_text(), re.MULTILINE):
        (tree / name).symlink_to(ROOT / name)
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "DEBUG": "0",
        **SECRETS,
        "ALLOWED_HOSTS": "localhost",
        "QUEUEPROXY_VAR": str(tmp_path / "var"),
        "QUEUEPROXY_BROKER_URL": broker.url,
    }
    commands = Commands(tmp_path, environ, ("manage.py",))
    commands.environ.pop("PYTHONPATH")
    commands.tree = tree
    yield commands
    for process in commands.processes:
        process.kill()
        process.wait()


def test_the_commands_of_front_and_worker_serve_the_site(container, services):
    """Migrate by the image's command, start front and worker by theirs; ask, and stop them."""
    (prepare,) = re.findall(r"^RUN (.*collectstatic.*)$", DOCKERFILE.read_text(), re.MULTILINE)
    words = [word for word in shlex.split(prepare) if "=" not in word]
    assert words[:2] == ["python", "manage.py"]
    started = container.manage(*words[2:], cwd=container.tree)
    assert started.wait(60) == 0, started.log.read_text()
    migrated = container.manage(*command_of(services["migrate"])[5:][2:], cwd=container.tree)
    assert migrated.wait(60) == 0, migrated.log.read_text()
    port = free_port()
    front_words = [w.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for w in front_of(services)]
    front = container.manage(*front_words, cwd=container.tree)
    worker = container.manage(*command_of(services["worker"])[2:], cwd=container.tree)
    wait_until(lambda: healthy(services, port), f"front: {front.log}", STARTS_WITHIN)
    answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "localhost"}, timeout=60)
    assert answer.status_code == 200
    assert "x-worker-pid" in answer.headers
    for process in (worker, front):
        process.terminate()
        assert process.wait(60) == 0, process.log.read_text()


def front_of(services: dict) -> list[str]:
    """The front's command, without its Python."""
    return command_of(services["front"])[2:]


def healthy(services: dict, port: int) -> bool:
    """Whether the front's health check says so."""
    _, _, *words = services["front"]["healthcheck"]["test"]
    asked = [word.replace(":8000", f":{port}") for word in words]
    return subprocess.run([sys.executable, *asked], capture_output=True, timeout=60).returncode == 0


def test_the_compose_file_is_plain_yaml():
    assert set(yaml.safe_load(COMPOSE.read_text())["services"]) >= {"front", "worker", "broker"}
