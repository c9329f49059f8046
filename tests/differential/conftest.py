"""The same site behind five servers."""

import os
import sys

import pytest

from ..kit.asking import listens
from ..kit.broker_server import BrokerServer
from ..kit.commands import Commands
from ..kit.ports import free_port

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
    }
    broker_server.client().flushall()
    site = Commands(directory, environ)
    for words in (["migrate", "-v0"], ["sampledata"]):
        site.run(*words).check_returncode()
    started = {name: site.launch(*words) for name, words in commands(ports, workers).items()}
    try:
        for name in (*PLAIN, *QUEUED):
            started[name].until(lambda port=ports[name]: listens(port), name)
        yield ports
    finally:
        site.stop(60)


def pytest_terminal_summary(terminalreporter):
    from .test_differential import compared

    if compared["requests"]:
        figures = ", ".join(f"{number} {what}" for what, number in compared.items())
        terminalreporter.write_line(f"differential suite: {figures}")
