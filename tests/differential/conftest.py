"""The same site behind five servers."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ..kit.broker_server import BrokerServer
from ..kit.ports import free_port
from ..kit.waiting import wait_until

ROOT = Path(__file__).parents[2]
PLAIN = ("plain uvicorn", "plain gunicorn")
QUEUED = ("queued uvicorn", "queued daphne")


def commands(ports: dict[str, int], workers: list[str]) -> dict[str, list[str]]:
    """How each server is started; `workers` are the options that tell what runs requests."""
    python = [sys.executable, "-m"]
    django = [*python, "django"]
    return {
        "plain uvicorn": [
            *(*python, "uvicorn", "project.plain_asgi:application", "--log-level", "critical"),
            *("--port", str(ports["plain uvicorn"]), "--lifespan", "off"),
        ],
        "plain gunicorn": [
            *(*python, "gunicorn", "project.wsgi:application", "--log-level", "critical"),
            *("-b", f"127.0.0.1:{ports['plain gunicorn']}"),
        ],
        "queued uvicorn": [
            *(*django, "runqueueproxy", str(ports["queued uvicorn"]), "--server", "uvicorn"),
            "--nostatic",  # the plain servers serve none in development
        ],
        "queued daphne": [
            *(*django, "runqueueproxy", str(ports["queued daphne"]), "--server", "daphne"),
            "--nostatic",
        ],
        "workers": [*django, "runqueueworker", "--processes", "1", *workers],
    }


@pytest.fixture(scope="module")
def broker_server():
    """One for these sites alone: they stay on it, and other tests count who is there."""
    server = BrokerServer().start()
    yield server
    server.stop()


ASYNC = "async"  # in production, by a worker with an event loop


@pytest.fixture(
    scope="module", params=["0", "1", ASYNC], ids=["production", "debug", "production-async"]
)
def servers(request, tmp_path_factory, broker_server):
    """Ports by the servers' names."""
    directory = tmp_path_factory.mktemp("differential")
    workers = ["--async", "8"] if request.param == ASYNC else ["--threads", "2"]
    names = (*PLAIN, *QUEUED, "workers")
    ports = {name: free_port() for name in names}
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.differential.settings",
        "DIFF_DEBUG": "1" if request.param == "1" else "0",
        "QUEUEPROXY_VAR": str(directory),
        "QUEUEPROXY_BROKER_URL": broker_server.url,
        "PYTHONPATH": str(ROOT),
    }
    broker_server.client().flushall()
    for words in (["migrate", "-v0"], ["sampledata"]):
        subprocess.run([sys.executable, "-m", "django", *words], cwd=ROOT, env=environ, check=True)
    log = (directory / "log").open("w")
    processes = [
        subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
        )
        for command in commands(ports, workers).values()
    ]
    try:
        for name in (*PLAIN, *QUEUED):
            wait_until(lambda port=ports[name]: _listens(port), f"{name}: {log.name}", 30)
        yield ports
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(40)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def pytest_terminal_summary(terminalreporter):
    from .test_differential import compared

    if compared["requests"]:
        figures = ", ".join(f"{number} {what}" for what, number in compared.items())
        terminalreporter.write_line(f"differential suite: {figures}")
