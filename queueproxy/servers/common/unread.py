"""Bounds what all clients of a server have sent and no application has taken yet (P8).

That is heads of which the end is missing, requests sent ahead, and pieces of bodies that wait to be
received; what the application takes it counts itself. Each connection has limits of its own, but
what a crowd sends at once comes in one turn of the event loop, before any application runs.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from . import limits
from .timer import Timer


class Reader(Protocol):
    """The reading side of a connection."""

    def regulate(self) -> None:
        """Read on or stop, as `UnreadBytes.full` says."""

    def give_up_unread(self) -> None:
        """Drop what has come and nobody has taken, and with it what was asked by it."""


class UnreadBytes:
    """Counts the bytes of all connections; while there are too many, nothing more is read.

    Applications take what waits for them within a moment. What is left after that waits for
    clients: whoever has sent most of it is given up, until half the limit is free.

    Args:
        readers: all that read; looked through while there are too many bytes.
        most: bytes.

    Attributes:
        full: nothing is to be read now.
    """

    def __init__(self, readers: Iterable[Reader], most: int = limits.UNREAD):
        self._readers = readers
        self._most = most
        self._sizes: dict[Reader, int] = {}  # of those with any
        self._total = 0
        self._timer: Timer | None = None
        self.full = False

    def note(self, reader: Reader, size: int) -> None:
        """Count so many bytes for a reader, instead of those it had."""
        before = self._sizes.get(reader, 0)
        if size == before:
            return
        if size:
            self._sizes[reader] = size
        else:
            del self._sizes[reader]
        self._total += size - before
        if self._total > self._most and not self.full:
            self._timer = Timer(asyncio.get_running_loop(), self._give_up_the_largest)
            self._timer.start(limits.TAKEN_WITHIN)
            self._set_full(True)
        elif self._timer is not None and self.full and self._total <= self._most / 2:
            self._timer.stop()
            self._set_full(False)

    def _set_full(self, full: bool) -> None:
        self.full = full
        for reader in list(self._readers):
            reader.regulate()

    def _give_up_the_largest(self) -> None:
        while self.full:  # giving up ends in `note`
            max(self._sizes, key=self._sizes.__getitem__).give_up_unread()
