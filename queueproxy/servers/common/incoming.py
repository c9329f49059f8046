"""Hands a request's body from a connection to the application, a bounded piece at a time."""

import asyncio
from collections.abc import Callable

HIGH_WATER = 64 * 1024  # bytes waiting for the application before the client is made to wait


class Incoming:
    """Provides ``receive`` of ASGI. Belongs to one event loop.

    Args:
        regulate: called when `backlog` has changed.
        wanted: called as the application first asks for the body, which is not there yet.
    """

    def __init__(
        self,
        regulate: Callable[[], None],
        wanted: Callable[[], None],
    ):
        self._regulate = regulate
        self._wanted = wanted
        self._pieces: list[bytes] = []
        self._size = 0
        self._handed_out = False
        self._news = asyncio.Event()
        self.ended = False
        self.lost = False

    @property
    def backlog(self) -> bool:
        """Whether so much waits for the application that the client must wait too."""
        return self._size > HIGH_WATER

    def feed(self, piece: bytes) -> None:
        """Add a piece that has come."""
        if self.lost:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self.backlog:
            self._regulate()
        self._news.set()

    def end(self) -> None:
        """Note that the last piece has come."""
        self.ended = True
        self._news.set()

    def lose(self) -> None:
        """Note that the client has gone, or has its answer."""
        self.lost = True
        self._news.set()

    async def receive(self) -> dict:
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
        backlog, self._size = self.backlog, 0
        if backlog:
            self._regulate()
        self._handed_out = self.ended
        return {"type": "http.request", "body": body, "more_body": not self.ended}

    def _ready(self) -> bool:
        return self.lost or bool(self._pieces) or (self.ended and not self._handed_out)
