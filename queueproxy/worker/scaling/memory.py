"""Keeps a supervisor's processes within ``--max-memory``: finds the one that has grown past it."""

import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ..child_process import ChildProcess

logger = logging.getLogger("queueproxy.worker")

MIB = 1024 * 1024
LOOK_EVERY = 1.0  # seconds
AGAIN_AFTER = 60.0  # seconds, where a replacement did not come up
GROWN = 1.25  # times what it took as it began: below that a process has not grown
ROOM_TO_GROW = 1.5  # times what a process takes as it begins: for so much each is to have a place


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process; 0 where it has ended or that is not told."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class MemoryShare:
    """Divides so much memory among the processes there are.

    Args:
        most: bytes of all together.
        measure: tells the bytes of one, by its process id.
    """

    def __init__(self, most: int, measure: Callable[[int], int] = resident_bytes):
        self._most = most
        self._measure = measure
        self._fresh: dict[int, int] = {}  # by process id: bytes when it began to serve
        self._told = False
        self._due = 0.0  # monotonic time of the next look
        self.fits: int | None = None  # how many processes it is enough for; None: not known yet

    def grown(self, children: Iterable[ChildProcess], number: int) -> ChildProcess | None:
        """Find the largest that has grown past its share since it began to serve; None for none.

        What is larger from the beginning is not replaced: its like would be as large. It looks
        every LOOK_EVERY.

        Args:
            children: those that are to stay.
            number: how many there should be.
        """
        if time.monotonic() < self._due:
            return None
        self._due = time.monotonic() + LOOK_EVERY
        sizes = {child: self._measure(child.process.pid) for child in children if child.serving}
        sizes = {child: size for child, size in sizes.items() if size}
        if not sizes:
            return None
        self._fresh = {
            child.process.pid: self._fresh.get(child.process.pid, size)
            for child, size in sizes.items()
        }
        fresh = sum(self._fresh.values()) / len(sizes)
        self.fits = max(1, int(self._most / (ROOM_TO_GROW * fresh)))
        share = self._most / max(1, number)
        self._tell_if_too_small(fresh, share)
        past = [
            child
            for child, size in sizes.items()
            if size > max(share, GROWN * self._fresh[child.process.pid])
        ]
        return max(past, key=sizes.__getitem__, default=None)

    def put_off(self) -> None:
        """Look again only after a while: a replacement did not come up, nor would the next."""
        self._due = time.monotonic() + AGAIN_AFTER

    def text(self, child: ChildProcess, number: int) -> str:
        """Say how large one is, and its share."""
        size = self._measure(child.process.pid) / MIB
        return f"{size:.0f} MiB, more than its share of {self._most / max(1, number) / MIB:.0f} MiB"

    def _tell_if_too_small(self, fresh: float, share: float) -> None:
        if fresh > share and not self._told:
            self._told = True
            logger.warning(
                "--max-memory is too small: a process that has just begun takes %.0f MiB, and its "
                "share is %.0f MiB.",
                fresh / MIB,
                share / MIB,
            )
