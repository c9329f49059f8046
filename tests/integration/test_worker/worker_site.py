"""Supervisors with their workers, as real processes, and requests for them."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

from queueproxy.keys import Keys

from ...acceptance.site import Site
from ...brokers import BrokerKit
from ...kit.proc import children, is_alive
from ...kit.processes import STARTS_WITHIN
from ...kit.waiting import wait_until
from .harness import Client

PROBE = "tests.integration.test_worker.settings"


class WorkerSite(Site):
    """One supervisor, mostly, and no front: requests are enqueued by the tests themselves."""

    def __init__(self, directory: Path, broker, settings: str, **overrides):
        super().__init__(directory, broker, "none", SIGNING=False, **overrides)
        self.environ["DJANGO_SETTINGS_MODULE"] = settings
        self._client = broker.client()
        self.brittle = directory / "broken"
        self.environ["BRITTLE"] = str(self.brittle)

    def start(self, *options: str, number: int = 1, **environ) -> subprocess.Popen:
        """Start a supervisor and wait until so many workers serve."""
        supervisor = self.manage("runqueueworker", *options, **environ)
        self.serve(supervisor, number)
        if "--require-migrations" not in options:
            once_started(lambda: len(told(supervisor, " serves ")) == number, "they serve")
        return supervisor

    def serve(self, supervisor: subprocess.Popen, number: int) -> None:
        """Wait until exactly so many of its processes run, each of them on the list."""

        def look():
            pids = self.pids()
            return len(pids) == number and pids == children(supervisor.pid)

        once_started(look, f"{number} workers: {supervisor.log}")

    def pids(self) -> list[int]:
        """Of the workers on the list; cheap enough to be asked all the time."""
        ids = self._client.zrange(Keys("queueproxy").workers, 0, -1)
        return sorted(int(id.split(":")[1]) for id in ids)

    def workers_shown(self) -> list[dict]:
        """As status shows them."""
        return self.status()["workers"]


async def client_of(kit: BrokerKit) -> Client:
    """Asks without signing."""
    kit.codec = kit.broker.codec(())
    return Client(kit, await kit.front_broker())


once_started = partial(wait_until, timeout=STARTS_WITHIN)  # for what has to start processes first


def ended(process: subprocess.Popen, timeout: float = STARTS_WITHIN) -> int:
    """Its exit status; nothing it started is left."""
    started = children(process.pid)
    status = process.wait(timeout)
    wait_until(lambda: not any(is_alive(pid) for pid in started), "its processes ended")
    return status


def told(process: subprocess.Popen, words: str) -> list[str]:
    """The lines of its log with these words."""
    return [line for line in process.log.read_text().splitlines() if words in line]


def kill(pid: int) -> None:
    """As the kernel does when memory is short."""
    os.kill(pid, signal.SIGKILL)
