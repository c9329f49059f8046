"""Runs a command for a person: signals meant for it reach it, and its end is waited for."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from .terminal import in_foreground

Handler = Callable[[int, FrameType | None], object] | int | None

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal came while no command was running; `number` is the signal's.

    As a KeyboardInterrupt it comes anywhere, and is no error that a library may deal with.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


class ForegroundCommand:
    """Runs one command, while this is entered.

    A signal that comes before the command raises Interrupted, once; later ones go to the command,
    and those that come after it are let pass: what is left to do then is short, but for what is
    done `interruptible`. Where Python can't raise it (it came while an object was deleted), `check`
    and `run` do.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = False
        self._over = False
        self._missed: list[int] = []
        self._interrupted_by: int | None = None
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> "ForegroundCommand":
        self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, words: Sequence[str]) -> int:
        """Run it to its end; its exit status as a shell has it (128 + signal).

        Raises:
            OSError: it could not be started.
            Interrupted: by a signal before; it was not started.
        """
        self.check()
        self._starting = True
        try:
            self._process = subprocess.Popen(words)
        finally:
            self._starting = False
        for number in self._missed:
            self._process.send_signal(number)
        status = self._process.wait()
        self._over = True
        return 128 - status if status < 0 else status

    def check(self) -> None:
        """Raise Interrupted where a signal has come before the command."""
        if self._interrupted_by is not None:
            raise Interrupted(self._interrupted_by)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise Interrupted in this block, though the command is over."""
        self._process, self._over = None, False
        try:
            yield
        finally:
            self._over = True

    def _on_signal(self, number: int, _frame: object) -> None:
        if self._over:
            return
        if self._process is not None:
            # A terminal's Ctrl-C has reached the command already.
            if number != signal.SIGINT or not in_foreground():
                self._process.send_signal(number)
        elif self._starting:
            self._missed.append(number)
        else:
            self._over, self._interrupted_by = True, number
            raise Interrupted(number)
