"""Holds a streamed body to the length that its view declared; no I/O here."""

from ..exceptions import BadResponse


class DeclaredLength:
    """Counts the bytes of a body.

    Args:
        length: as declared; None for any.
    """

    def __init__(self, length: int | None):
        self._length = length
        self._sent = 0

    def add(self, data: bytes) -> None:
        """Count a piece, before it is sent.

        Raises:
            BadResponse: it goes beyond the length.
        """
        self._sent += len(data)
        if self._length is not None and self._sent > self._length:
            raise BadResponse(f"Content-Length is {self._length}, the body has more.")

    def end(self) -> None:
        """Note that the body has ended.

        Raises:
            BadResponse: it is shorter than the length.
        """
        if self._length is not None and self._sent < self._length:
            raise BadResponse(f"Content-Length is {self._length}, the body has {self._sent}.")
