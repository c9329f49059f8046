"""Keeps the body of a request at the front until its answer is there (P8).

Its first bytes stay in memory. The rest goes to a file of the spool; where that has no room, it
stays in memory as well, while there is some.
"""

import hashlib
import logging
from bisect import bisect_right
from collections.abc import Iterable
from itertools import takewhile

from .memory import BODIES_SHARE, PIECE_OVERHEAD, Reservation
from .spool import Spool, SpoolFile, SpoolFull

logger = logging.getLogger("queueproxy.front")

MEMORY_FIRST = 1024 * 1024  # bytes of one body in memory before the spool is used


class NoRoom(Exception):
    """There is no room for the body, neither in memory nor on disk."""


class KeptBody:
    """One body, written at its end and read anywhere. Used on the front's event loop only.

    Args:
        spool, memory: where it is kept; `memory` is the request's own reservation.
    """

    def __init__(self, spool: Spool, memory: Reservation):
        self.size = 0  # bytes
        self._spool = spool
        self._memory = memory
        self._counted = 0  # bytes in memory, with what Python adds
        self._file: SpoolFile | None = None
        # Stretches of the body, in order: where each begins; its bytes, or its offset in the file.
        self._starts: list[int] = []
        self._places: list[bytes | int] = []

    @property
    def in_memory(self) -> bool:
        """Whether all of it is in memory."""
        return self._file is None

    def append(self, data: bytes) -> None:
        """Keep a further piece, not empty.

        Raises:
            NoRoom: it is not kept; what was kept before is.
        """
        small = self._counted + len(data) <= MEMORY_FIRST
        kept = (small and self._keep_in_memory(data)) or self._keep_on_disk(data)
        if not kept and (small or not self._keep_in_memory(data)):
            raise NoRoom
        self.size += len(data)

    def _keep_in_memory(self, data: bytes) -> bool:
        cost = len(data) + PIECE_OVERHEAD
        if not self._memory.keep(cost, BODIES_SHARE):
            return False
        self._counted += cost
        self._add(data)
        return True

    def _keep_on_disk(self, data: bytes) -> bool:
        try:
            if self._file is None:
                self._file = self._spool.file()
            offset = self._file.size
            self._file.append(data)
        except SpoolFull:
            return False
        if not self._places or not isinstance(self._places[-1], int):
            self._add(offset)
        return True

    def _add(self, place: bytes | int) -> None:
        self._starts.append(self.size)
        self._places.append(place)

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes from `offset`; fewer only at the end.

        Raises:
            OSError: the disk fails.
        """
        end = min(offset + size, self.size)
        at = bisect_right(self._starts, offset) - 1
        found = []
        while offset < end:
            start, place = self._starts[at], self._places[at]
            until = self._starts[at + 1] if at + 1 < len(self._starts) else self.size
            skipped, size = offset - start, min(until, end) - offset
            if isinstance(place, bytes):
                found.append(place[skipped : skipped + size])
            elif self._file is not None:
                found.append(self._file.read(place + skipped, size))
            offset, at = offset + size, at + 1
        return found[0] if len(found) == 1 else b"".join(found)

    def pieces(self, numbers: Iterable[int], size: int) -> list[bytes]:
        """Read pieces by their numbers, as far as there are such; none where the disk fails.

        Args:
            size: bytes of each but the last.
        """
        try:
            return list(takewhile(bool, (self.read(number * size, size) for number in numbers)))
        except OSError:
            logger.exception("A request's body can't be read from the spool.")
            return []

    def close(self) -> None:
        """Drop it and give its place back; closing again does nothing."""
        self.size = 0
        self._starts, self._places = [], []
        if self._file is not None:
            self._file.close()
        self._memory.drop(self._counted)
        self._counted = 0


class PieceDigests:
    """Computes the SHA-256 of each piece of a body as it comes.

    Args:
        piece_size: bytes of each piece but the last.
    """

    def __init__(self, piece_size: int):
        self._piece_size = piece_size
        self._done: list[bytes] = []
        self._piece = hashlib.sha256()
        self._left = piece_size  # bytes that the piece lacks

    def update(self, data: bytes) -> None:
        """Take further bytes of the body."""
        rest = memoryview(data)
        while len(rest) >= self._left:
            self._piece.update(rest[: self._left])
            rest = rest[self._left :]
            self._done.append(self._piece.digest())
            self._piece, self._left = hashlib.sha256(), self._piece_size
        self._piece.update(rest)
        self._left -= len(rest)

    def all(self) -> bytes:
        """All digests, one behind the other."""
        last = [self._piece.digest()] if self._left < self._piece_size else []
        return b"".join(self._done + last)
