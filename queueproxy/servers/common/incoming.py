"""Hands a request's body from a connection to the application, a bounded piece at a time."""

import asyncio
from collections.abc import Callable

from ...asgi_types import Message
from .framing import ChunkedBody, SizedBody

HIGH_WATER = 64 * 1024  # bytes waiting for the application before the client is made to wait


class Incoming:
    """Provides ``receive`` of ASGI. Belongs to one event loop.

    Args:
        length: of the body in bytes; None where it comes in chunks.
        regulate: called when `size` has changed.
        wanted: called as the application first asks for the body, which is not there yet.
    """

    def __init__(
        self,
        length: int | None,
        regulate: Callable[[], None],
        wanted: Callable[[], None],
    ):
        self._framing = ChunkedBody() if length is None else SizedBody(length)
        self._regulate = regulate
        self._wanted = wanted
        self._pieces: list[bytes] = []
        self.size = 0  # bytes that wait for the application
        self._handed_out = False
        self._news = asyncio.Event()
        self.ended = length == 0  # the last piece has come
        self.lost = False

    @property
    def backlog(self) -> bool:
        """Whether so much waits for the application that the client must wait too."""
        return self.size > HIGH_WATER

    def take(self, data: bytes) -> bytes | None:
        """Take what has come of the body.

        Returns:
            What follows the body, where its end has come.

        Raises:
            BadBody: it is malformed.
        """
        rest = self._framing.take(data, self._add)
        if rest is not None:
            self.ended = True
            self._news.set()
        return rest

    def _add(self, piece: bytes) -> None:
        if self.lost:
            return
        self._pieces.append(piece)
        self.size += len(piece)
        self._regulate()
        self._news.set()

    def lose(self) -> None:
        """Note that the client has gone, or has its answer."""
        self.lost = True
        self._pieces.clear()
        self.size = 0
        self._news.set()

    async def receive(self) -> Message:
        """Return the next message: the body so far, or once it is lost ``http.disconnect``."""
        if not self.ended and not self._pieces:
            self._wanted()
        while not self._ready():
            self._news.clear()
            await self._news.wait()
        if self.lost:
            return {"type": "http.disconnect"}
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if self.size:
            self.size = 0
            self._regulate()
        self._handed_out = self.ended
        return {"type": "http.request", "body": body, "more_body": not self.ended}

    def _ready(self) -> bool:
        return self.lost or bool(self._pieces) or (self.ended and not self._handed_out)
