"""A Django project behind the queue: a front, workers, and what is told of them."""

import subprocess
from pathlib import Path
from typing import Any, Protocol

from .asking import HOST, get
from .commands import Commands
from .links import snapshot_of
from .ports import free_port
from .processes import Process


class AnyBroker(Protocol):
    """Where a site's processes find their broker: a BrokerServer, or Sentinels."""

    def url_of(self, role: str) -> str:
        """What a front, worker, operator, dashboard or site connects with."""


class Site(Commands):
    """Starts a front on a free port, and workers.

    Args:
        directory: for the logs.
        broker: one that runs.
        server: daphne or uvicorn.
        environ: of every process, with DJANGO_SETTINGS_MODULE.
    """

    worker_role = "worker"  # dashboard, where workers serve the admin page

    def __init__(self, directory: Path, broker: AnyBroker, server: str, environ: dict[str, str]):
        url = {"QUEUEPROXY_BROKER_URL": broker.url_of("operator")}
        super().__init__(directory, {**environ, **url})
        self.broker = broker
        self.server = server
        self.port = free_port()

    @property
    def url(self) -> str:
        """Where its clients find it."""
        return f"http://{HOST}:{self.port}"

    def front(self, *options: str, **environ: str) -> Process:
        """Start a front and wait until it listens."""
        words = ("runqueueproxy", f"{HOST}:{self.port}", "--server", self.server, *options)
        process = self.manage(*words, **environ)
        process.until(lambda: get(self.port, "/-/livez").status, "the front")
        return process

    def workers(self, *options: str, **environ: str) -> Process:
        """Start a supervisor with workers and wait until all it starts with are on the list."""
        wanted = len(self.status()["workers"]) + _processes(options)
        process = self.manage("runqueueworker", *options, **environ)
        process.until(lambda: len(self.status()["workers"]) >= wanted, "the workers")
        return process

    def manage(self, *words: str, **environ: Any) -> Process:
        """Start a command as the user that it is, where the broker has users."""
        return super().manage(*words, **{**self._as(*words), **environ})

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as that user."""
        return super().run(*words, **{**self._as(*words), **environ})

    def _as(self, command: str, *options: str) -> dict[str, str]:
        front = "site" if "--workers" in options else "front"
        roles = {"runqueueproxy": front, "runqueueworker": self.worker_role}
        url = self.broker.url_of(roles.get(command, "operator"))
        return {} if url == self.broker.url_of("operator") else {"QUEUEPROXY_BROKER_URL": url}

    def status(self) -> dict[str, Any]:
        """What ``queueproxy status --json`` says, read in this process."""
        return snapshot_of(self.broker.url_of("operator")).as_status()

    def queue(self, name: str = "default") -> dict[str, Any]:
        """One queue of the status."""
        return next(queue for queue in self.status()["queues"] if queue["name"] == name)


def _processes(options: tuple[str, ...]) -> int:
    """How many processes workers of these options start with."""
    if "--processes" not in options:
        return 1
    return int(options[options.index("--processes") + 1].partition("..")[0])
