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
    (tmp_path / "own_asgi.py").write_text(OWN_APPLICATION)
    environ = {name: value for name, value in os.environ.items() if "QUEUEPROXY" not in name}
    environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.probe.settings",
        "PROBE_SETTINGS": json.dumps(wrong),
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
    }
    done = subprocess.run(
        [sys.executable, "-m", *SERVERS[server], str(free_port()), application],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("QUEUEPROXY")
    assert line.endswith(said)
