"""The site under test: fronts, workers and a broker that may be hurt one by one."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from ..ports import free_port
from ..waiting import wait_until
from .broker_server import SiteBroker
from .ledger import QUIET, QUIET_ENDS, Execution, Writer, open_ledger
from .rough_users import MIN_RATE, SLACK
from .users import Outcome

ROOT = Path(__file__).parents[2]
QUEUES = ("high", "default", "low")
SETTINGS = {
    "MAX_HOLD": 12,
    "LEASE": 1.5,
    "MAX_DEPTH": 400,
    "MAX_BODY": 2_000_000,
    "SHARED_DATABASE": True,  # one cache is beside the queue, see probe/settings.py
}


class Mishap(NamedTuple):
    """A fault that happened, and when, as Outcome's times."""

    name: str
    began: float
    ended: float


class Site:
    """Two fronts, two supervisors with two processes each, one broker.

    Args:
        switch_off: names of safeguards to switch off (see switches.py), to test the checker.
        crash_share: how often a worker process dies at each of its boundaries.
    """

    def __init__(self, switch_off: tuple[str, ...] = (), crash_share: float = 0.0):
        self.directory = Path(tempfile.mkdtemp(prefix="qpchaos-"))
        self.ledger = open_ledger(self.directory)
        self.must_not_run: list[str] = []  # nonces of requests withdrawn before they started
        self.outcomes: list[Outcome] = []  # of requests that faults sent
        self.mishaps: list[Mishap] = []  # what has happened to it
        self.violations: list[str] = []  # that faults have seen themselves
        self.hurt: set[int] = set()  # process ids of workers that faults killed or stopped
        self.broker = SiteBroker().start()
        self.ports = [free_port(), free_port()]
        self._writer = Writer(self.ledger.address)
        self.environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.probe.settings",
            "QUEUEPROXY_BROKER_URL": self.broker.site_url(),
            "CHAOS_CACHES": f"{self.broker.site_url(1)} {self.broker.site_url()}",
            "CHAOS_BODY_SLACK": str(SLACK),
            "CHAOS_BODY_MIN_RATE": str(MIN_RATE),
            "PROBE_CLIENT_SLACK": str(SLACK),
            "PROBE_CLIENT_MIN_RATE": str(MIN_RATE),
            "CHAOS_LEDGER": self.ledger.address,
            "PROBE_SETTINGS": json.dumps(SETTINGS),
            "CHAOS_SWITCH_OFF": ",".join(switch_off),
            "CHAOS_CRASH_SHARE": str(crash_share),
            "PYTHONPATH": str(ROOT),
        }
        self.fronts: list[subprocess.Popen] = []
        self.supervisors: list[subprocess.Popen] = []

    def start(self) -> None:
        """Start fronts and workers."""
        self.fronts = [self._front(port) for port in self.ports]
        self.supervisors = [self.start_supervisor() for _ in range(2)]
        wait_until(lambda: len(self.workers()) >= 4, "workers")

    def _manage(self, *words: str) -> subprocess.Popen:
        log = (self.directory / "log").open("a")
        return subprocess.Popen(
            [sys.executable, "-m", "django", *words],
            cwd=ROOT,
            env=self.environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _front(self, port: int) -> subprocess.Popen:
        return self._manage("runqueueproxy", f"127.0.0.1:{port}", "--server", "uvicorn")

    def start_supervisor(self) -> subprocess.Popen:
        """Start one more supervisor with two worker processes."""
        options = ("--processes", "2", "--threads", "2", "--graceful-timeout", "5")
        return self._manage("runqueueworker", *options)

    def workers(self) -> list[int]:
        """Process ids of the worker processes, read from the kernel."""
        found = []
        for supervisor in self.supervisors:
            path = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children")
            if path.exists():
                found += [int(pid) for pid in path.read_text().split()]
        return found

    def replace_front(self, which: int, number: int) -> None:
        """End a front by a signal and start another on its port."""
        self.fronts[which].send_signal(number)
        self.fronts[which].wait(40)
        self.fronts[which] = self._front(self.ports[which])

    def replace_supervisor(self, which: int) -> None:
        """Drain a supervisor with its workers; others are started first."""
        old = self.supervisors[which]
        self.supervisors[which] = self.start_supervisor()
        old.send_signal(signal.SIGTERM)
        old.wait(40)

    def quiet(self, begins: bool, why: str) -> None:
        """Write down that from now on nothing may run, or that this is over."""
        self._writer.write(Execution(QUIET if begins else QUIET_ENDS, 0, 0, why))

    def signal_worker(self, pid: int | None, number: int) -> None:
        """Kill or stop a worker process, or let it go on; None does nothing."""
        if pid is None:
            return
        self.hurt.add(pid)
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def random_worker(self, chance: random.Random) -> int | None:
        """The process id of some worker."""
        workers = self.workers()
        return chance.choice(workers) if workers else None

    def stop(self) -> None:
        """End everything, workers first so that what is held is answered."""
        for process in [*self.fronts, *self.supervisors]:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 25
        for process in [*self.fronts, *self.supervisors]:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def close(self) -> None:
        """Take away what is left to look at: broker, ledger, logs."""
        self.broker.stop()
        self.ledger.close()
        shutil.rmtree(self.directory, ignore_errors=True)
