"""Gathers what a client sends until it holds the whole head of a request."""

from ...front.http.refusals import Refusal
from .head import END, Head, parse_head, premature_refusal


class HeadBuffer:
    """Bytes that have come and belong to no request yet."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._searched = 0  # bytes of it in which no head ends
        self._line_skipped = False

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, data: bytes) -> None:
        """Keep what has come."""
        self._bytes += data

    def take_all(self) -> bytes:
        """Hand out, and forget, whatever is there."""
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken

    def take_head(self) -> Head | Refusal | None:
        """Take the next request's head out.

        Returns:
            The head; the refusal of what is or will be none; None while more of it must come.
        """
        if not self._line_skipped and self._bytes.startswith(b"\r\n"):  # RFC 9112, 2.2
            self._line_skipped = True
            del self._bytes[:2]
        end = self._bytes.find(END, max(0, self._searched - len(END) + 1))
        if end < 0:
            self._searched = len(self._bytes)
            return premature_refusal(self._bytes) if self._bytes else None
        raw = bytes(self._bytes[: end + len(END)])
        del self._bytes[: len(raw)]
        self._searched = 0
        self._line_skipped = False
        return parse_head(raw)
