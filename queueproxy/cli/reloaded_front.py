"""Runs the front in a process of its own, and another in its place whenever the code changes."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from ..conf import AT_A_BREAKPOINT
from ..development.code_watch import CODE, CodeWatch
from .front_process import start_front
from .program import directory
from .terminal import in_foreground

LOOK_EVERY = 0.1  # seconds


class ReloadedFront:
    """Keeps one front on a socket; an old one answers what it holds while the new one listens.

    Args:
        options: words of the command line for each front.
        listening: the socket they share.
        graceful_timeout: seconds the last one may take to end.
        say: tells a person.
    """

    def __init__(
        self,
        options: Sequence[str],
        listening: socket.socket,
        graceful_timeout: float,
        say: Callable[[str], object],
    ):
        self._options = options
        self._listening = listening
        self._graceful_timeout = graceful_timeout
        self._say = say
        self._directory = directory()
        self._pipe = os.pipe()
        self._changed = threading.Event()
        self._stops = 0
        self._hurried = False
        self._fronts: list[subprocess.Popen[bytes]] = []  # the last one is not told to end

    def run(self) -> int:
        """Serve until SIGINT or SIGTERM; 1 where what was held had to be given up, else 0."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_stop)
        watch = CodeWatch(self._on_change, CODE)
        watch.start()
        self._start()
        while not self._stops:
            time.sleep(LOOK_EVERY)
            self._look_after()
            if self._changed.is_set():
                self._changed.clear()
                self._tell_to_end(signal.SIGTERM)
                self._start()
        watch.stop()
        self._end()
        return int(self._hurried)

    def _look_after(self) -> None:
        """Forget those that have ended; tell where the newest has, which nobody asked to."""
        if self._fronts and self._fronts[-1].poll() and not self._stops:
            self._say("The front has ended. Another starts when the code changes.")
        self._fronts = [front for front in self._fronts if front.poll() is None]

    def _on_stop(self, number: int, _frame: object) -> None:
        self._stops += 1
        # A terminal's Ctrl-C has reached them already.
        if number != signal.SIGINT or not in_foreground():
            self._tell_to_end(number)

    def _on_change(self, file: str) -> None:
        self._say(f"{file} has changed: a fresh front.")
        self._changed.set()

    def _start(self) -> None:
        options = [*self._options, "--graceful-timeout", str(AT_A_BREAKPOINT)]
        reading, _ = self._pipe
        self._fronts.append(start_front(options, self._listening, reading, self._directory))

    def _tell_to_end(self, number: int) -> None:
        for front in self._fronts:
            front.send_signal(number)

    def _end(self) -> None:
        """Wait until all have ended; those that take too long are told again."""
        until = time.monotonic() + self._graceful_timeout
        while any(front.poll() is None for front in self._fronts):
            if time.monotonic() > until or self._stops > 1:
                self._hurried, until = True, time.monotonic() + self._graceful_timeout
                self._stops = 1
                self._tell_to_end(signal.SIGTERM)
            time.sleep(LOOK_EVERY)
        self._listening.close()
        for descriptor in self._pipe:
            os.close(descriptor)
