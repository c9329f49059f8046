"""Runs several fronts on one socket, each a process of its own: one event loop uses one core."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence

from .front_process import start_front
from .kept_process import KeptProcess
from .program import directory

LOOK_EVERY = 0.1  # seconds
KILLED_WITHIN = 8.0  # seconds they may take once they have been told to stop at once
CANNOT_START = 3  # exit status of a front whose settings are wrong: see `asgi`
CUT_SHORT = 1  # exit status of a front whose clients were given up


class Fronts:
    """Keeps so many fronts; one that dies is started again, and the others take its clients.

    They drain when this process ends without a word, by a pipe that ends with it.

    Args:
        number: how many.
        options: words of the command line for each.
        listening: the socket they share: the kernel gives each connection to one that is free.
        graceful_timeout: seconds each may take to finish what it holds.
        on_draining: called once, as they are told to end.
        on_hopeless: called, in a thread, with the exit status of a front that can't even start.
    """

    def __init__(
        self,
        number: int,
        options: Sequence[str],
        listening: socket.socket,
        graceful_timeout: float,
        on_draining: Callable[[], object],
        on_hopeless: Callable[[int], object],
    ):
        self._number = number
        self._options = [*options, "--graceful-timeout", str(graceful_timeout)]
        self._listening = listening
        self._graceful_timeout = graceful_timeout
        self._on_draining = on_draining
        self._on_hopeless = on_hopeless
        self._directory = directory()
        self._pipe = os.pipe()
        self._stops = 0
        self._kept: list[KeptProcess] = []

    def run(self) -> bool:
        """Serve until SIGINT or SIGTERM; whether clients had to be given up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_stop)
        for one in range(1, self._number + 1):
            name = f"Front {one} of {self._number}"
            self._kept.append(KeptProcess(name, self._start, self._hopeless))
        while not self._stops:
            time.sleep(LOOK_EVERY)
        return self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        reading, _ = self._pipe
        return start_front(
            self._options, self._listening, reading, self._directory, own_session=True
        )

    def _hopeless(self, status: int) -> bool:
        hopeless = status == CANNOT_START and not self._stops
        if hopeless:
            self._on_hopeless(status)
        return hopeless

    def _on_stop(self, *_: object) -> None:
        self._stops += 1

    def _end(self) -> bool:
        """Wait until all have ended; those that take too long are told again."""
        self._on_draining()
        for kept in self._kept:
            kept.let_go()
        self._tell()
        until, hurried = time.monotonic() + self._graceful_timeout, self._stops > 1
        while not all(kept.ends_within(0) for kept in self._kept):
            if not hurried and (self._stops > 1 or time.monotonic() > until):
                hurried = True
                self._tell()
                until = time.monotonic() + KILLED_WITHIN
            if hurried and time.monotonic() > until:
                break
            time.sleep(LOOK_EVERY)
        for kept in self._kept:
            kept.ended(0)
        self._listening.close()
        for descriptor in self._pipe:
            os.close(descriptor)
        return hurried or any(kept.process.returncode == CUT_SHORT for kept in self._kept)

    def _tell(self) -> None:
        for kept in self._kept:
            kept.signal(signal.SIGTERM)
