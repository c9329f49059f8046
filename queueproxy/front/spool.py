"""Keeps on disk what a front holds for its clients and memory has no room for (P8).

Each body is a file without a name in one directory: it is gone with its process, however that ends.
One budget of bytes is shared by all; it counts what was written, never what is expected.

Reads and writes are those of the kernel's page cache: they are done on the event loop, in pieces
small enough (`PIECE`) not to keep it.
"""

import os
import tempfile
from typing import Self

PIECE = 1024 * 1024  # bytes at most that one call should read or write


class SpoolFull(Exception):
    """There is no room for more: the budget is used up, or the disk is full."""


class Spool:
    """Bounds what one front keeps on disk.

    Args:
        size: most bytes in all files.
        directory: where they are; None for the system's place for temporary files.

    Raises:
        OSError: no file can be made in that directory.
    """

    def __init__(self, size: int, directory: str | None = None):
        self.size = size
        self.used = 0  # bytes
        self.directory = directory
        tempfile.TemporaryFile(dir=directory).close()

    @property
    def room(self) -> int:
        """Bytes that fit into the budget now."""
        return self.size - self.used

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more fit into the budget now."""
        return size <= self.room

    def file(self) -> "SpoolFile":
        """Make an empty file; enter it, so that it is closed.

        Raises:
            SpoolFull: no file can be made.
        """
        return SpoolFile(self)


class SpoolFile:
    """One body on disk, written at its end and read anywhere. Used on one event loop only.

    Attributes:
        size: bytes written.
    """

    def __init__(self, spool: Spool):
        self._spool = spool
        self.size = 0
        try:
            self._file = tempfile.TemporaryFile(buffering=0, dir=spool.directory)  # noqa: SIM115
        except OSError as error:
            raise SpoolFull(f"No file can be made for the spool: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def append(self, data: bytes | memoryview) -> None:
        """Write all of `data` at the end.

        Raises:
            SpoolFull: there is no room; the file is as it was.
        """
        if not self._spool.has_room(len(data)):
            raise SpoolFull(f"The spool's {self._spool.size} bytes are used up.")
        try:
            self._write(memoryview(data))
        except OSError as error:
            raise SpoolFull(f"The spool can't be written to: {error}") from error
        self.size += len(data)
        self._spool.used += len(data)

    def _write(self, data: memoryview) -> None:
        at = self.size
        while data:
            written = os.pwrite(self._file.fileno(), data, at)
            at, data = at + written, data[written:]

    def read(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes from `offset`; fewer only at the end of what was written.

        Raises:
            OSError: the disk fails.
        """
        size = min(size, self.size - offset)
        pieces, left = [], size
        while left > 0:
            piece = os.pread(self._file.fileno(), left, offset + size - left)
            if not piece:
                raise OSError("The spool's file is shorter than what was written to it.")
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Give its place back; closing again does nothing."""
        if not self._file.closed:
            self._file.close()
            self._spool.used -= self.size
