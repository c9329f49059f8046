"""Runs several fronts on one socket, each a process of its own: one event loop uses one core."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence

from .front_generation import FrontGeneration
from .front_process import start_front
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
        say: tells a person.
    """

    def __init__(
        self,
        number: int,
        options: Sequence[str],
        listening: socket.socket,
        graceful_timeout: float,
        *,
        on_draining: Callable[[], object],
        on_hopeless: Callable[[int], object],
        say: Callable[[str], object],
    ):
        self._number = number
        self._options = [*options, "--graceful-timeout", str(graceful_timeout)]
        self._listening = listening
        self._graceful_timeout = graceful_timeout
        self._on_draining = on_draining
        self._on_hopeless = on_hopeless
        self._say = say
        self._directory = directory()
        self._pipe = os.pipe()
        self._stops = 0
        self._replacement_due = False
        self._fresh: FrontGeneration | None = None  # until all of it listens
        self._leaving: list[FrontGeneration] = []

    def run(self) -> bool:
        """Serve until SIGINT or SIGTERM; whether clients had to be given up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_stop)
        self._serving = self._generation(self._is_hopeless)
        while not self._stops:
            time.sleep(LOOK_EVERY)
            self._look_after_replacement()
        return self._end()

    def replace(self) -> None:
        """Have fresh ones, of the code that is there now, take their place.

        They share the socket, and the old ones end once all the fresh ones listen: no client is
        turned away. Where one of those does not come up, the old ones stay. Safe in a signal
        handler.
        """
        self._replacement_due = True

    def _generation(self, hopeless: Callable[[int], bool]) -> FrontGeneration:
        return FrontGeneration(self._number, self._start, hopeless)

    def _start(self, ready: int) -> subprocess.Popen[bytes]:
        reading, _ = self._pipe
        return start_front(
            self._options, self._listening, reading, self._directory, ready=ready, own_session=True
        )

    def _is_hopeless(self, status: int) -> bool:
        hopeless = status == CANNOT_START and not self._stops
        if hopeless:
            self._on_hopeless(status)
        return hopeless

    def _look_after_replacement(self) -> None:
        for generation in [one for one in self._leaving if one.has_ended]:
            self._leaving.remove(generation)
            generation.close()
        if self._fresh is None and self._replacement_due:
            self._replacement_due = False
            self._fresh = self._generation(lambda status: True)
        elif self._fresh is not None and self._fresh.has_failed:
            self._say("The fresh fronts do not come up; the old ones go on.")
            self._leave(self._fresh)
            self._fresh = None
        elif self._fresh is not None and self._fresh.listens:
            self._say("Fresh fronts listen; the old ones answer what they hold and end.")
            self._leave(self._serving)
            self._serving, self._fresh = self._fresh, None

    def _leave(self, generation: FrontGeneration) -> None:
        generation.end()
        self._leaving.append(generation)

    def _on_stop(self, *_: object) -> None:
        self._stops += 1

    def _end(self) -> bool:
        """Wait until all have ended; those that take too long are told again."""
        self._on_draining()
        fresh = [self._fresh] if self._fresh else []
        generations = [self._serving, *fresh, *self._leaving]
        _tell(generations)
        until, hurried = time.monotonic() + self._graceful_timeout, self._stops > 1
        while not all(one.has_ended for one in generations):
            if not hurried and (self._stops > 1 or time.monotonic() > until):
                hurried = True
                _tell(generations)
                until = time.monotonic() + KILLED_WITHIN
            if hurried and time.monotonic() > until:
                break
            time.sleep(LOOK_EVERY)
        statuses = [status for one in generations for status in one.close()]
        self._listening.close()
        for descriptor in self._pipe:
            os.close(descriptor)
        return hurried or CUT_SHORT in statuses


def _tell(generations: Sequence[FrontGeneration]) -> None:
    for generation in generations:
        generation.end()
