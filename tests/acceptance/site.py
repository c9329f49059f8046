"""The whole system as real processes on a free port, and a client that looks closely."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx

from ..kit.commands import Commands
from ..kit.ports import free_port
from ..kit.waiting import wait_until

SETTINGS = "tests.acceptance.probe.settings"
STARTS_WITHIN = 60.0  # seconds, on a busy machine


class Site(Commands):
    """Fronts and workers of one probe site, and its ledger of executions.

    Args:
        directory: for the ledger and the logs.
        broker: a running BrokerServer.
        server: daphne or uvicorn.
        settings: overrides of QUEUEPROXY.
    """

    def __init__(self, directory: Path, broker, server: str, **settings):
        self.broker = broker
        self.server = server
        self.port = free_port()
        self.ledger = directory / "ledger"
        self.ledger.touch()
        super().__init__(
            directory,
            {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": SETTINGS,
                "QUEUEPROXY_BROKER_URL": broker.url_of("operator"),
                "PROBE_LEDGER": str(self.ledger),
                "PROBE_SETTINGS": json.dumps(settings),
            },
        )

    worker_role = "worker"  # dashboard, where workers serve the admin page

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def front(self, *options: str, **environ: str) -> subprocess.Popen:
        """Start a front and wait until it listens."""
        words = ("runqueueproxy", f"127.0.0.1:{self.port}", "--server", self.server, *options)
        process = self.manage(*words, **self._as("front"), **environ)
        wait_until(lambda: self.get("/-/livez"), f"front: {process.log}", STARTS_WITHIN)
        return process

    def workers(self, *options: str, **environ: str) -> subprocess.Popen:
        """Start a supervisor with workers and wait until they are on the list."""
        wanted = len(self.status()["workers"]) + 1
        process = self.manage("runqueueworker", *options, **self._as(self.worker_role), **environ)
        wait_until(
            lambda: len(self.status()["workers"]) >= wanted, f"worker: {process.log}", STARTS_WITHIN
        )
        return process

    def _as(self, role: str) -> dict[str, str]:
        """The environment that makes a process that role's user, where the broker has one."""
        url = self.broker.url_of(role)
        return {} if url == self.broker.url_of("operator") else {"QUEUEPROXY_BROKER_URL": url}

    def status(self) -> dict:
        """What ``queueproxy status --json`` says, read in this process."""
        from queueproxy.broker.handle import Broker
        from queueproxy.broker.link.connect import BrokerAddress
        from queueproxy.broker.observe.reader import SnapshotReader

        link = Broker(BrokerAddress(self.broker.url_of("operator")), "queueproxy", 15).link("test")
        stats = SnapshotReader(link, ("ops", "high", "default", "low"))
        try:
            return stats.snapshot().as_status()
        finally:
            stats.close()

    def queue(self, name: str = "default") -> dict:
        """One queue of the status."""
        return next(queue for queue in self.status()["queues"] if queue["name"] == name)

    def get(self, path: str, **options) -> httpx.Response | None:
        """GET; None where nobody listens."""
        try:
            return httpx.get(self.url + path, timeout=60, **options)
        except httpx.TransportError:
            return None

    def in_background(self, method: str, path: str, **options) -> "Pending":
        """Send a request and don't wait for its answer."""
        return Pending(method, self.url + path, options)

    def runs(self, nonce: str | None = None) -> list[str]:
        """The ledger: a line for each execution of a view, or those with the nonce."""
        lines = self.ledger.read_text().splitlines()
        return lines if nonce is None else [line for line in lines if line.split()[0] == nonce]

    def stop(self) -> None:
        """End every process, and see that none is left."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        for process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


class Pending(threading.Thread):
    """A request under way in a thread."""

    def __init__(self, method: str, url: str, options: dict):
        super().__init__(daemon=True)
        self._request = (method, url, options)
        self.response: httpx.Response | None = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self.start()

    def run(self) -> None:
        method, url, options = self._request
        began = time.monotonic()
        try:
            self.response = httpx.request(method, url, timeout=90, **options)
        except httpx.HTTPError as error:
            self.error = error
        self.seconds = time.monotonic() - began

    def result(self, timeout: float = 60) -> httpx.Response:
        """The answer; the error it met is raised."""
        self.join(timeout)
        assert not self.is_alive(), f"no answer within {timeout} s: {self._request[:2]}"
        if self.error:
            raise self.error
        return self.response
