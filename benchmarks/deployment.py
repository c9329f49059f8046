"""A candidate running: its processes by role, from start to clean end."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from queueproxy.broker.observe.snapshot import Snapshot
from tests.kit.asking import listens
from tests.kit.links import snapshot_of
from tests.kit.ports import free_port
from tests.kit.proc import cpu_seconds, descendants, shared_memory
from tests.kit.processes import ROOT, Process, end
from tests.kit.starting import starting

from .broker import BenchBroker
from .candidates import Candidate
from .loads import FULL, Load
from .wrk import Shot


class Data:
    """The database that all candidates read, and the cookie of somebody logged in."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="qpbench-data-")
        self.path = Path(self._directory.name)
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": FULL, "BENCH_DATA": str(self.path)}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.site.prepare"],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        self.cookie = done.stdout.strip()

    def close(self) -> None:
        """Take it away."""
        self._directory.cleanup()


class Deployment:
    """All processes of one candidate, started and answering.

    Args:
        candidate: what to start.
        settings: the Django settings module.
        data: shared by all.
        queueproxy: overrides of ``settings.QUEUEPROXY``.
        only: roles to start; the others when `start` is called.
    """

    def __init__(
        self,
        candidate: Candidate,
        settings: str,
        data: Data,
        *,
        queueproxy: dict | None = None,
        only: tuple[str, ...] = (),
    ):
        self.candidate = candidate
        self.port = free_port()
        self.broker = BenchBroker().start() if candidate.queued else None
        self._data = data
        self._roles: dict[str, Process] = {}
        self._environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "BENCH_DATA": str(data.path),
            "BENCH_CONN_MAX_AGE": str(candidate.conn_max_age),
            "BENCH_QUEUEPROXY": json.dumps(queueproxy or {}),
        }
        if self.broker:
            self._environ["QUEUEPROXY_BROKER_URL"] = self.broker.url
        with starting(self):
            for role in candidate.commands(self.port):
                if not only or role in only:
                    self.start(role)

    def __enter__(self) -> "Deployment":
        return self

    def __exit__(self, *exc_info) -> None:
        self.stop()

    def start(self, role: str) -> None:
        """Start a role and wait until it is there: it listens, or its processes are on the list."""
        self.launch(role)
        if role == "worker":
            self._wait_for(role, lambda: len(self.snapshot().workers) >= self.candidate.processes)
        else:
            self._wait_for(role, lambda: listens(self.port))

    def launch(self, role: str) -> None:
        """Start a role without waiting."""
        command = self.candidate.commands(self.port)[role]
        log = self._data.path / f"{role}.log"
        self._roles[role] = Process(command, log, environ=self._environ)

    def _wait_for(self, role: str, look: Callable[[], object]) -> None:
        self._roles[role].until(look, f"{self.candidate.name}: {role}")

    def url(self, path: str) -> str:
        """Of a view."""
        return f"http://127.0.0.1:{self.port}{path}"

    def shot(self, load: Load, seconds: float) -> Shot:
        """How wrk is to be called for this load."""
        cookie = self._data.cookie if load.logged_in else ""
        return Shot(
            self.url(load.path), load.connections, seconds, cookie, load.body, load.many_paths
        )

    def probe(self, load: Load) -> None:
        """One request, to be sure of what is measured.

        Raises:
            RuntimeError: it was not answered with 200.
        """
        headers = {"Cookie": self._data.cookie} if load.logged_in else {}
        body = b"x" * load.body or None
        request = urllib.request.Request(self.url(load.path), body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status = response.status if response.url == request.full_url else "a redirect"
        except urllib.error.HTTPError as error:
            status = error.code
        if status != 200:
            raise RuntimeError(f"{self.candidate.name} answered {load.path} with {status}")

    def pids(self) -> dict[str, list[int]]:
        """Processes by role."""
        roles = self._roles.items()
        found = {role: [process.pid, *descendants(process.pid)] for role, process in roles}
        return found | ({"broker": self.broker.pids()} if self.broker else {})

    def cpu(self) -> dict[str, float]:
        """Seconds used so far, by role."""
        return {role: cpu_seconds(*pids) for role, pids in self.pids().items()}

    def memory(self) -> dict[str, int]:
        """PSS in bytes, by role."""
        return {role: shared_memory(pids) for role, pids in self.pids().items()}

    def snapshot(self) -> Snapshot:
        """What ``queueproxy status`` tells."""
        return snapshot_of(self.broker.url)

    def stop(self) -> None:
        """End everything, workers first."""
        end(self._roles.values())
        if self.broker:
            self.broker.stop()
