"""Parses what comes on a connection a little at a time, and lets others run in between."""

import asyncio
from collections.abc import Callable

from . import limits

AT_ONCE = 8 * 1024  # bytes; as frames of a websocket without content some 10 ms of parsing


class InTurns:
    """Hands bytes on in pieces, one for each turn of the event loop; none before it has begun.

    Args:
        loop: of the server.
        parse: takes a piece.
        pause: called whenever more is at hand than is parsed now: let no more come.
        resume: called when all has been parsed after that.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        parse: Callable[[bytes], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
    ):
        self._loop = loop
        self._parse = parse
        self._pause = pause
        self._resume = resume
        self._left = b""
        self._begun = False
        self._paused = False
        self._next: asyncio.Handle | None = None

    @property
    def busy(self) -> bool:
        """Whether something is left for the next turns."""
        return self._next is not None

    def feed(self, data: bytes) -> None:
        """Take data behind all that is left; parse a piece of it at once where nothing is."""
        self._left += data
        if self._begun and not self.busy:
            self._parse_some()
        elif self._begun or len(self._left) > limits.LOOKAHEAD:
            self._let_no_more_come()

    def begin(self) -> None:
        """Parse from now on."""
        self._begun = True
        self._parse_some()

    def end(self) -> None:
        """Parse no more."""
        self._left = b""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _parse_some(self) -> None:
        piece, self._left = self._left[:AT_ONCE], self._left[AT_ONCE:]
        self._next = self._loop.call_soon(self._parse_some) if self._left else None
        if piece:
            self._parse(piece)
        if self.busy:
            self._let_no_more_come()
        elif self._paused:
            self._paused = False
            self._resume()

    def _let_no_more_come(self) -> None:
        self._paused = True
        self._pause()
