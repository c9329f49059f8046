"""The whole system as real processes on a free port, and a client that looks closely."""

import json
import os
import threading
import time
from pathlib import Path

import httpx

from ..kit.site import AnyBroker
from ..kit.site import Site as QueuedSite

SETTINGS = "tests.acceptance.probe.settings"


class Site(QueuedSite):
    """The probe site, and its ledger of executions.

    Args:
        directory: for the ledger and the logs.
        broker: one that runs.
        server: daphne or uvicorn.
        settings: overrides of QUEUEPROXY.
    """

    def __init__(self, directory: Path, broker: AnyBroker, server: str, **settings):
        self.ledger = directory / "ledger"
        self.ledger.touch()
        probe = {
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "PROBE_LEDGER": str(self.ledger),
            "PROBE_SETTINGS": json.dumps(settings),
        }
        super().__init__(directory, broker, server, {**os.environ, **probe})

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
