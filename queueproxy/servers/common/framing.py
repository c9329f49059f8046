"""Finds where a request's body ends: by its length or by its chunks (RFC 9112, 6 and 7)."""

import re
from collections.abc import Callable

from ...front.http import refusals
from ...front.http.refusals import Refusal
from . import limits
from .head import parse_fields

Deliver = Callable[[bytes], None]

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;([^\0-\x08\x0a-\x1f\x7f]*))?").fullmatch
_VALUE = re.compile(rb"[^\0-\x08\x0a-\x1f\x7f]*").fullmatch
_BAD_CHUNK = refusals.bad_request("The body is not valid in its chunks.")


class BadBody(Exception):
    """The body can't be read on; its one argument is the refusal."""

    @property
    def refusal(self) -> Refusal:
        refusal: Refusal = self.args[0]
        return refusal


class SizedBody:
    """A body of a known length.

    Args:
        length: in bytes, at least 1.
    """

    def __init__(self, length: int):
        self._left = length

    def take(self, data: bytes, deliver: Deliver) -> bytes | None:
        """Deliver what belongs to the body.

        Returns:
            what follows the body; None while more of it is to come.
        """
        if len(data) < self._left:
            self._left -= len(data)
            deliver(data)
            return None
        deliver(data[: self._left])
        return data[self._left :]


class ChunkedBody:
    """A body in chunks. Its extensions and its trailers are checked, counted and dropped."""

    def __init__(self) -> None:
        self._line = b""  # a part of one
        self._left = 0  # bytes of the chunk that is being read
        self._extensions = 0  # bytes
        self._trailers = 0  # bytes
        self._fields = 0
        self._next: Callable[[bytes], None] | None = self._size  # None behind the body

    def take(self, data: bytes, deliver: Deliver) -> bytes | None:
        """Do what `SizedBody.take` does.

        Raises:
            BadBody: the rest can't be made sense of, or is too large.
        """
        at = 0
        while self._next is not None:
            if self._left:
                piece = data[at : at + self._left]
                if not piece:
                    return None
                deliver(piece)
                at += len(piece)
                self._left -= len(piece)
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._line += data[at:]
                self._check_size(len(self._line))
                return None
            line, self._line = self._line + data[at : end + 1], b""
            at = end + 1
            self._check_size(len(line))
            if not line.endswith(b"\r\n"):
                raise BadBody(_BAD_CHUNK)
            self._next(line[:-2])
        return data[at:]

    def _check_size(self, size: int) -> None:
        if self._next == self._trailer:
            if self._trailers + size > limits.MAX_HEADERS + 2:  # with the empty line after them
                raise BadBody(refusals.HEADERS_TOO_LARGE)
        elif size > limits.MAX_CHUNK_LINE:
            raise BadBody(_BAD_CHUNK)

    def _size(self, line: bytes) -> None:
        match = _SIZE(line)
        if match is None:
            raise BadBody(_BAD_CHUNK)
        self._extensions += len(match[2] or b"")
        if self._extensions > limits.MAX_EXTENSIONS:
            raise BadBody(_BAD_CHUNK)
        self._left = int(match[1], 16)
        self._next = self._after_chunk if self._left else self._trailer

    def _after_chunk(self, line: bytes) -> None:
        if line:
            raise BadBody(_BAD_CHUNK)
        self._next = self._size

    def _trailer(self, line: bytes) -> None:
        if not line:
            self._next = None
            return
        self._trailers += len(line) + 2
        self._fields += 1
        if self._fields > limits.MAX_FIELDS:
            raise BadBody(refusals.HEADERS_TOO_LARGE)
        if parse_fields([line]) is None or not _VALUE(line):
            raise BadBody(_BAD_CHUNK)
