"""Wakes workers that have been stopped at a boundary."""

import os
import random
import signal
import threading
import time

from .ledger import FAINTED, Ledger
from .once import AWAKE_AFTER

LOOK_EVERY = 0.2  # seconds


class AlarmClock(threading.Thread):
    """Lets each go on some seconds after it has written down that it stops.

    Args:
        ledger: in which they do.
        seed: of its random choices.
    """

    def __init__(self, ledger: Ledger, seed: int):
        super().__init__(daemon=True)
        self._ledger = ledger
        self._chance = random.Random(seed)
        self._ended = threading.Event()
        self._known = 0
        self._due: list[tuple[float, int]] = []  # when, and which process

    def run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            new = self._ledger.of(FAINTED)[self._known :]
            self._known += len(new)
            now = time.monotonic()
            self._due += [(now + self._chance.choice(AWAKE_AFTER), row.pid) for row in new]
            self._wake(now)

    def _wake(self, until: float) -> None:
        for at, pid in self._due:
            if at <= until:
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass  # it was killed meanwhile
        self._due = [(at, pid) for at, pid in self._due if at > until]

    def end(self) -> None:
        """Wake all that are stopped still, and end."""
        self._ended.set()
        self.join()
        self._wake(float("inf"))
