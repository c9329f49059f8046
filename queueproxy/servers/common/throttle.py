"""Stops reading from a client for a while, and looks after it meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from . import limits
from .sockets import has_left
from .timer import Timer


class Readable(Protocol):
    """A connection that can be left unread."""

    def pause_reading(self) -> None:
        """Stop taking bytes from the client."""

    def resume_reading(self) -> None:
        """Take them again."""

    def abort(self) -> None:
        """Close at once; the client has left."""

    def fileno(self) -> int:
        """Return the socket's descriptor."""


class Throttle:
    """Reads a connection or leaves it unread.

    The event loop tells nothing of a connection that is not read: it is looked whether
    the client has left, every ``LOOK_EVERY`` seconds.

    Args:
        connection: of the client.
        give_up_ahead: drops what the client has sent ahead of its answer, so that reading can go
            on: a FIN may wait behind what it could not send yet. Answers False where that is a
            body, which can't be dropped.
        loop: the event loop.
    """

    def __init__(
        self,
        connection: Readable,
        give_up_ahead: Callable[[], bool],
        loop: asyncio.AbstractEventLoop,
    ):
        self._connection = connection
        self._give_up_ahead = give_up_ahead
        self._timer = Timer(loop, self._look)
        self._held = False
        self._ended = False

    def hold(self, held: bool) -> None:
        """Read, or don't."""
        if held == self._held or self._ended:
            return
        self._held = held
        if held:
            self._connection.pause_reading()
            self._timer.start(limits.LOOK_EVERY)
        else:
            self._timer.stop()
            self._connection.resume_reading()

    def end(self) -> None:
        """Look no more, and leave it as it is: the connection is gone."""
        self._timer.stop()
        self._ended = True

    def _look(self) -> None:
        self._timer.start(limits.LOOK_EVERY)
        if not self._give_up_ahead() and has_left(self._connection.fileno()):
            self._connection.abort()
