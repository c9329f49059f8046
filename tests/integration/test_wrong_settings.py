"""A server started by hand, on settings that can't work: one line, and no server."""

import json
import os
import subprocess
import sys

import pytest

from ..commands import ROOT
from ..ports import free_port

SERVERS = {"daphne": ["daphne", "-p"], "uvicorn": ["uvicorn", "--port"]}
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
    ],
)
def test_it_does_not_start(tmp_path, application, server, wrong, said):
    done = started(tmp_path, application, server, wrong)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("QUEUEPROXY")
    assert line.endswith(said)


@pytest.mark.parametrize("server", SERVERS)
def test_nor_with_nothing_to_sign_with(tmp_path, server):
    keyless = "from tests.acceptance.probe.settings import *\nSECRET_KEY = ''\n"
    (tmp_path / "keyless.py").write_text(keyless)
    application = "queueproxy.asgi:application"
    done = started(tmp_path, application, server, {}, settings="keyless")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("(queueproxy.E018)")


def started(
    tmp_path, application, server, wrong, *, settings="tests.acceptance.probe.settings"
) -> subprocess.CompletedProcess:
    """What a server says that should end by itself."""
    (tmp_path / "own_asgi.py").write_text(OWN_APPLICATION)
    environ = {name: value for name, value in os.environ.items() if "QUEUEPROXY" not in name}
    environ |= {
        "DJANGO_SETTINGS_MODULE": settings,
        "PROBE_SETTINGS": json.dumps(wrong),
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
    }
    return subprocess.run(
        [sys.executable, "-m", *SERVERS[server], str(free_port()), application],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
