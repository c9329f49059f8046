"""Starts worker processes beside a front as a person would: manage.py runqueueworker."""

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from ..worker.process_words import CANNOT_START
from ..worker.scaling.process_range import ProcessRange
from .ask import COULD_NOT_ASK
from .kept_process import KeptProcess
from .program import PARENT_FD_VARIABLE, directory, this_program

LEAST = 1.0  # seconds workers have to end, however long the front took to drain
KILLED_WITHIN = 8.0  # seconds the supervisor may take once it has been told to stop at once


class Workers:
    """While the context lasts, a supervisor with its workers runs; started again when it dies.

    It drains when this process ends without a word, by a pipe that ends with it.

    Args:
        processes: how many, or as many as the load needs of so many; None for none.
        threads: in each.
        graceful_timeout: seconds each may take to finish what it runs.
        on_hopeless: called, in a thread, with the exit status of workers that can't even start:
            the project's code can't be loaded, or is wrong. Later they are tried again.
        options: further ones of ``runqueueworker``.
    """

    def __init__(
        self,
        processes: int | ProcessRange | None,
        threads: int,
        graceful_timeout: float,
        on_hopeless: Callable[[int], None],
        options: Sequence[str] = (),
    ):
        self._processes = processes
        self._threads = threads
        self._graceful_timeout = graceful_timeout
        self._on_hopeless = on_hopeless
        self._options = options
        self._directory = directory()
        self._kept: KeptProcess | None = None
        self._pipe: tuple[int, int] = (-1, -1)
        self._stop_by = math.inf  # time.monotonic() at which the graceful timeout ends

    def __enter__(self) -> "Workers":
        if self._processes:
            self._pipe = os.pipe()
            self._kept = KeptProcess("The workers' supervisor", self._start, self._hopeless)
        return self

    def _start(self) -> subprocess.Popen[bytes]:
        command = [
            *this_program(),
            "runqueueworker",
            *("--processes", str(self._processes)),
            *("--threads", str(self._threads)),
            *("--graceful-timeout", str(self._graceful_timeout)),
            *self._options,
        ]
        reading, _ = self._pipe
        where = {"PWD": self._directory, PARENT_FD_VARIABLE: str(reading)}
        return subprocess.Popen(
            command,
            start_new_session=True,
            cwd=self._directory,
            env={**os.environ, **where},
            pass_fds=[reading],
        )

    def _hopeless(self, status: int) -> bool:
        hopeless = status in (CANNOT_START, COULD_NOT_ASK)
        if hopeless:
            self._on_hopeless(status)
        return hopeless

    def reload(self) -> bool:
        """Replace the worker processes by fresh ones; False where there are none."""
        if self._kept is None:
            return False
        self._kept.signal(signal.SIGHUP)
        return True

    def begin_to_end(self) -> None:
        """Let the graceful timeout run from now on: the front drains, they still serve it."""
        self._stop_by = min(self._stop_by, time.monotonic() + self._graceful_timeout)

    def hurry(self) -> None:
        """Stop at once: what they run is given up."""
        if self._kept is not None:
            # Two signals of one kind at once are one; these two are the supervisor's second.
            self._kept.let_go()
            for number in (signal.SIGTERM, signal.SIGINT):
                self._kept.signal(number)

    def __exit__(self, *exc_info: object) -> None:
        if self._kept is None:
            return
        self.begin_to_end()
        self._kept.let_go()
        self._kept.signal(signal.SIGTERM)
        if not self._kept.ends_within(max(LEAST, self._stop_by - time.monotonic())):
            self.hurry()
        self._kept.ended(KILLED_WITHIN)
        for descriptor in self._pipe:
            os.close(descriptor)
