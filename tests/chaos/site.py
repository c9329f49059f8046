"""A site under test, its ledger, and what has happened to it."""

import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import redis

from ..kit.asking import get
from ..kit.proc import children, command_line
from ..kit.processes import ROOT, Process
from ..kit.waiting import wait_until
from .effects import open_effects
from .ledger import NOT_BY, QUIET, QUIET_ENDS, Execution, Writer, open_ledger
from .rough_users import BODY_MIN_RATE, MIN_RATE, SLACK
from .users import Outcome

QUEUES = ("high", "default", "low")
GRACEFUL = 5  # seconds workers have to finish what they run
SETTINGS = {
    "MAX_HOLD": 12,
    "LEASE": 1.5,
    "MAX_DEPTH": 400,
    "MAX_BODY": 4_000_000,
    "SHARED_DATABASE": True,  # one cache is beside the queue, see probe/settings.py
}
ENDS_WITHIN = 60.0  # seconds, on a busy machine
BROKER_BACK_WITHIN = 60.0  # seconds; with an embedded one all starts anew


class Mishap(NamedTuple):
    """A fault that happened, and when, as Outcome's times."""

    name: str
    began: float
    ended: float


class Site:
    """What any site under test has; the arrangements are `SplitSite` and `EmbeddedSite`.

    Args:
        switch_off: names of safeguards to switch off (see switches.py), to test the checker.
        crash_share: how often a worker process dies at each of its boundaries.
        ports: of the fronts.

        database: one of effects.DATABASES, for views whose effects happen once; empty for none.
    """

    def __init__(
        self,
        switch_off: tuple[str, ...],
        crash_share: float,
        ports: Sequence[int],
        database: str = "",
    ):
        self.directory = Path(tempfile.mkdtemp(prefix="qpchaos-"))
        self.log = self.directory / "log"
        self.ledger = open_ledger(self.directory)
        self.must_not_run: list[str] = []  # nonces of requests withdrawn before they started
        self.outcomes: list[Outcome] = []  # of requests that faults sent
        self.mishaps: list[Mishap] = []  # what has happened to it
        self.violations: list[str] = []  # that faults have seen themselves
        self.hurt: set[int] = set()  # process ids of workers that faults killed or stopped
        self.ports = ports
        self.fronts: list[Process] = []
        self._writer = Writer(self.ledger.address)
        self._mark = f"CHAOS_SITE={secrets.token_hex(8)}"
        self.environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.probe.settings",
            "CHAOS_LEDGER": self.ledger.address,
            "CHAOS_BODY_SLACK": str(SLACK),
            "CHAOS_BODY_MIN_RATE": str(BODY_MIN_RATE),
            "PROBE_CLIENT_SLACK": str(SLACK),
            "PROBE_CLIENT_MIN_RATE": str(MIN_RATE),
            "PROBE_SETTINGS": json.dumps(SETTINGS),
            "CHAOS_SWITCH_OFF": ",".join(switch_off),
            "CHAOS_CRASH_SHARE": str(crash_share),
            "CHAOS_SITE": self._mark.partition("=")[2],
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.directory),
        }
        self.effects = open_effects(database, self.directory) if database else None
        if self.effects is not None:
            self.environ["CHAOS_DATABASE"] = self.effects.url

    def migrate(self) -> None:
        """Make the tables of executions and effects, where there is a database."""
        if self.effects is None:
            return
        if self.manage("migrate", "queueproxy").wait(60):
            raise RuntimeError(f"migrate failed:\n{self.log.read_text()}")
        self.effects.make_table()

    def manage(self, *words: str) -> Process:
        """Start a management command, in a session of its own."""
        command = [sys.executable, "-m", "django", *words]
        return Process(command, self.log, environ=self.environ, append=True)

    def workers(self) -> list[int]:
        """Process ids of the worker processes, read from the kernel."""
        return [pid for supervisor in self.supervisor_pids() for pid in children(supervisor)]

    def supervisor_pids(self) -> list[int]:
        """Process ids of the supervisors."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether each front says so."""
        return all(get(port, "/-/readyz").status == 200 for port in self.ports)

    def await_broker(self) -> None:
        """Wait until the broker answers the checker: it may just have been killed."""
        wait_until(self._broker_answers, "the broker is back", BROKER_BACK_WITHIN)

    def _broker_answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(self.broker.client().ping())
        return False

    def quiet(self, begins: bool, why: str) -> None:
        """Write down that from now on nothing may run, or that this is over."""
        self._writer.write(Execution(QUIET if begins else QUIET_ENDS, 0, 0, why))

    def bar(self, pids: Iterable[int]) -> None:
        """Write down which processes may run nothing from now on."""
        self._writer.write(Execution(NOT_BY, 0, 0, " ".join(map(str, pids))))

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

    def processes(self) -> list[int]:
        """Process ids of all that runs for this site but its ledger, and its broker where apart."""
        mark, all_pids = self._mark.encode(), map(int, filter(str.isdigit, os.listdir("/proc")))
        return [pid for pid in all_pids if mark in _environ_of(pid)]

    def end(self, started: list[Process]) -> None:
        """Let these processes end, and see to it that none of the site's is left."""
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + ENDS_WITHIN
        for process in started:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.violations.append(f"{process.words[3]} did not end")
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)  # those of a supervisor that was killed end by themselves
        for pid in self.processes():
            command = command_line(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.violations.append(f"left running: {command}")

    def close(self) -> None:
        """Take away what is left to look at: ledger, logs."""
        self.ledger.close()
        if self.effects is not None:
            self.effects.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def _environ_of(pid: int) -> list[bytes]:
    """The environment of a process; a zombie has none."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (OSError, ProcessLookupError):
        return []
