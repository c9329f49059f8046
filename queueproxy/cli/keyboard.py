"""Reads single keys of a terminal, while something is shown on it."""

import os
import select
import sys
import termios
import time
import tty
from typing import Any

from .terminal import in_foreground

MOST = 64  # bytes that are read at once


class Keyboard:
    """While this is entered, keys come as they are pressed and are not shown; Ctrl-C stays.

    Attributes:
        is_there: whether anybody can press any: standard input is a terminal, and ours.
    """

    def __init__(self) -> None:
        self._fd = -1
        self._before: list[Any] | None = None

    @property
    def is_there(self) -> bool:
        return self._before is not None

    def __enter__(self) -> "Keyboard":
        if sys.stdin is not None and sys.stdin.isatty() and in_foreground():
            self._fd = sys.stdin.fileno()
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._before is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def pressed_within(self, seconds: float) -> str:
        """Wait so long at most for a key; what was pressed, or nothing."""
        if self._before is None:
            time.sleep(seconds)
            return ""
        if not select.select([self._fd], [], [], seconds)[0]:
            return ""
        keys = os.read(self._fd, MOST)
        if not keys:  # the terminal has gone; SIGHUP is on its way
            time.sleep(seconds)
        return keys.decode("utf-8", "replace")
