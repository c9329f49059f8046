"""The whole system by one command, however management commands are called."""

import os
import signal

import httpx
import pytest

from ..commands import Commands
from ..ports import free_port
from ..waiting import wait_until


@pytest.mark.parametrize("program", [("manage.py",), ("-m", "django")], ids=" ".join)
def test_front_workers_and_broker(tmp_path, program):
    environ = {name: value for name, value in os.environ.items() if name != "QUEUEPROXY_BROKER_URL"}
    site = {"DJANGO_SETTINGS_MODULE": "project.settings", "QUEUEPROXY_VAR": str(tmp_path)}
    commands = Commands(tmp_path, environ | site, program)
    port = free_port()
    front = commands.manage("runqueueproxy", f"127.0.0.1:{port}", "--embedded", "--workers", "1")
    try:
        answer = wait_until(lambda: _get(f"http://127.0.0.1:{port}/request/"), str(front.log), 40)
    finally:
        front.send_signal(signal.SIGTERM)
        status = front.wait(40)
    assert (answer.status_code, status) == (200, 0), front.log.read_text()


def _get(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=40)
    except httpx.ConnectError:
        return None
