"""Fronts that were started together, each a process of its own."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from .kept_process import KeptProcess

LISTENS_WITHIN = 60.0  # seconds from the start of one


class FrontGeneration:
    """Keeps so many fronts of the same code; one that dies is started again.

    Args:
        number: how many.
        start: starts one; given the writing end of a pipe, for `program.tell_ready`.
        hopeless: told the exit status of one that ended before all listened; whether it is no use
            to try again. Called in a thread.
    """

    def __init__(
        self,
        number: int,
        start: Callable[[int], subprocess.Popen[bytes]],
        hopeless: Callable[[int], bool],
    ):
        self._number = number
        self._start = start
        self._hopeless = hopeless
        self._ready, self._telling = os.pipe()
        os.set_blocking(self._ready, False)
        self._lock = threading.Lock()
        self._listening = 0  # how many have told
        self._gave_up = False
        self._due = time.monotonic() + LISTENS_WITHIN
        self._kept = [
            KeptProcess(f"Front {one} of {number}", self._start_one, self._ended_early)
            for one in range(1, number + 1)
        ]

    def _start_one(self) -> subprocess.Popen[bytes]:
        return self._start(self._telling)

    def _ended_early(self, status: int) -> bool:
        if self.listens or not self._hopeless(status):
            return False
        self._gave_up = True
        return True

    @property
    def listens(self) -> bool:
        """Whether each of them has begun to listen."""
        with self._lock:
            if self._listening < self._number:
                with suppress(BlockingIOError):
                    self._listening += len(os.read(self._ready, self._number))
            return self._listening >= self._number

    @property
    def has_failed(self) -> bool:
        """Whether one of them does not come up: it was given up, or takes LISTENS_WITHIN."""
        return self._gave_up or (time.monotonic() > self._due and not self.listens)

    def end(self) -> None:
        """Have them answer what they hold and end; again for at once."""
        for kept in self._kept:
            kept.let_go()
        for kept in self._kept:
            kept.signal(signal.SIGTERM)

    @property
    def has_ended(self) -> bool:
        """Whether all of them have."""
        return all(kept.ends_within(0) for kept in self._kept)

    def close(self) -> list[int]:
        """Kill those that have not ended; the exit statuses of all."""
        for kept in self._kept:
            kept.ended(0)
        os.close(self._ready)
        os.close(self._telling)
        return [kept.process.returncode for kept in self._kept]
