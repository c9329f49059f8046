"""A server started by hand, on settings that can't work: one line, and no server."""

import json
import os
import subprocess
import sys

import pytest

from ..kit.ports import free_port
from ..kit.processes import ROOT

PORT = "PORT"  # in the words of a command
CANNOT_START = 3
SERVERS = {"daphne": ["daphne", "-p", PORT], "uvicorn": ["uvicorn", "--port", PORT]}
GUNICORN = ["gunicorn", "-k", "uvicorn.workers.UvicornWorker", "-w", "2", "-b", f"127.0.0.1:{PORT}"]
# They start processes again as they end; the statuses that each may end with. gunicorn's arbiter
# ends by a traceback of its own, with 1, where a second process ends while it stops for the first.
MANY = {
    "uvicorn": (["uvicorn", "--workers", "2", "--port", PORT], {0}),
    "gunicorn": (GUNICORN, {CANNOT_START, 1}),
    "gunicorn --preload": ([*GUNICORN, "--preload"], {CANNOT_START}),
}
OWN_APPLICATION = """
import django
django.setup()

from channels.routing import ProtocolTypeRouter
from queueproxy.asgi import QueueProxy

application = ProtocolTypeRouter({"http": QueueProxy()})
"""


@pytest.mark.parametrize("application", ["queueproxy.asgi:application", "own_asgi:application"])
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"MAX_HOLDD": 3}, "Did you mean 'MAX_HOLD'? (queueproxy.E002)"),
        ({"CACHE_ALIAS": "nobody"}, "(queueproxy.E007)"),
        ({"MAX_BODY": 1 << 23, "FRONT_MEMORY": 1 << 22, "FRONT_SPOOL": 0}, "(queueproxy.E005)"),
        ({"FRONT_SPOOL_DIR": "/nonexistent"}, "(queueproxy.E019)"),
        ({"ERROR_PAGES": "/nonexistent"}, "(queueproxy.E020)"),
    ],
)
def test_it_does_not_start(tmp_path, application, server, wrong, said):
    done = started(tmp_path, application, SERVERS[server], wrong)
    assert done.returncode == CANNOT_START
    (line,) = done.stderr.splitlines()
    assert line.startswith("QUEUEPROXY")
    assert line.endswith(said)


@pytest.mark.parametrize("server", SERVERS)
def test_nor_with_nothing_to_sign_with(tmp_path, server):
    keyless = "from tests.acceptance.probe.settings import *\nSECRET_KEY = ''\n"
    (tmp_path / "keyless.py").write_text(keyless)
    application = "queueproxy.asgi:application"
    done = started(tmp_path, application, SERVERS[server], {}, settings="keyless")
    assert done.returncode == CANNOT_START
    (line,) = done.stderr.splitlines()
    assert line.endswith("(queueproxy.E018)")


@pytest.mark.parametrize("server", MANY)
def test_its_processes_are_not_started_again_and_again(tmp_path, server):
    command, statuses = MANY[server]
    done = started(tmp_path, "own_asgi:application", command, {"MAX_HOLDD": 3})
    assert done.returncode in statuses
    assert 1 <= done.stderr.count("Did you mean 'MAX_HOLD'? (queueproxy.E002)\n") <= 2
    assert "/queueproxy/" not in done.stderr  # no traceback of ours


def started(
    tmp_path, application, command, wrong, *, settings="tests.acceptance.probe.settings"
) -> subprocess.CompletedProcess:
    """What a server says that should end by itself."""
    (tmp_path / "own_asgi.py").write_text(OWN_APPLICATION)
    environ = {name: value for name, value in os.environ.items() if "QUEUEPROXY" not in name}
    environ |= {
        "DJANGO_SETTINGS_MODULE": settings,
        "PROBE_SETTINGS": json.dumps(wrong),
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
    }
    words = [word.replace(PORT, str(free_port())) for word in command]
    return subprocess.run(
        [sys.executable, "-m", *words, application],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
