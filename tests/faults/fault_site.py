"""A site whose requests may ask for mishaps, and what the tests look at."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from queueproxy.broker.operate.control import Control

from ..acceptance.site import Site
from ..chaos.ledger import Execution, FileLedger
from ..chaos.users import PATIENCE, Outcome, ask
from ..kit.links import link_to
from ..kit.proc import is_alive
from ..kit.waiting import wait_until

QUEUES = ("high", "default", "low")
ROUNDS = int(os.environ.get("QUEUEPROXY_FAULT_ROUNDS", "1"))


class FaultSite(Site):
    """The probe site of tests/chaos under uvicorn. Arguments as Site's, but for the server."""

    def __init__(self, directory: Path, broker, **settings):
        super().__init__(directory, broker, "uvicorn", **settings)
        self.executions = FileLedger(directory)
        self.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.probe.settings"
        self.environ["CHAOS_LEDGER"] = self.executions.address

    def run_of(self, nonce: str, number: int = 1, timeout: float = 20.0) -> Execution:
        """The first, second, ... execution of a request, once it has begun."""
        found = wait_until(lambda: self.executions.of(nonce)[number - 1 :], nonce, timeout)
        return found[0]

    def times(self, nonce: str) -> int:
        """How often a request was run."""
        return len(self.executions.of(nonce))

    def wait_for_workers(self, number: int) -> None:
        """Until so many worker processes are on the list and alive."""

        def enough() -> bool:
            return sum(is_alive(worker["pid"]) for worker in self.status()["workers"]) >= number

        wait_until(enough, f"{number} workers", 40)

    def send(self, nonce: str, kind: str, query: str = "seconds=0") -> "Sent":
        """Send a request; don't wait for its answer."""
        return Sent(self.port, nonce, kind, query)

    def pause(self) -> None:
        """Start nothing from now on."""
        self._control(lambda control: control.pause(QUEUES, 300, by="test"))

    def resume(self) -> None:
        """Go on."""
        self._control(lambda control: control.resume(QUEUES))

    def _control(self, action: Callable[[Control], object]) -> None:
        with link_to(self.broker.url) as link:
            action(Control(link))

    def leases(self) -> dict[str, str]:
        """The broker's leases: slot -> request, attempt, ..."""
        return self.broker.client().hgetall("{queueproxy}:leases")


class Sent(threading.Thread):
    """A request under way."""

    def __init__(self, port: int, nonce: str, kind: str, query: str):
        super().__init__(daemon=True)
        self.nonce = nonce
        self._words = (port, nonce, kind, query)
        self._outcome: Outcome | None = None
        self.start()

    def run(self) -> None:
        port, nonce, kind, query = self._words
        self._outcome = ask(port, nonce, kind, body=nonce.encode(), query=query)

    def outcome(self) -> Outcome:
        """What came of it; an answer that is wrong in itself fails the test."""
        self.join(PATIENCE + 5)
        assert self._outcome is not None, f"{self.nonce} was never answered"
        assert not self._outcome.wrong, self._outcome
        return self._outcome


class Frozen:
    """A process stopped in its tracks for the length of a with block."""

    def __init__(self, pid: int):
        self._pid = pid

    def __enter__(self) -> "Frozen":
        os.kill(self._pid, signal.SIGSTOP)
        return self

    def __exit__(self, *_) -> None:
        thaw(self._pid)


def thaw(pid: int) -> None:
    """Let it go on, if it still is."""
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def wait_out(seconds: float) -> None:
    """Let that much time pass: for what is about time itself, such as three leases."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= until, timeout=seconds + 10)
