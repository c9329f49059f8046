"""Cuts what a client sends into requests, of which one at a time is unanswered.

The next request is looked at when the one before has its answer. So answers and refusals come in
order, a client that leaves leaves one request behind, and what it sends ahead stays bounded.
"""

import asyncio
from enum import Enum, auto
from typing import Protocol

from ...front.http import refusals
from ...front.http.refusals import Refusal
from . import limits
from .framing import BadBody
from .head import Head
from .head_buffer import HeadBuffer
from .incoming import Incoming
from .open_connections import OpenConnections
from .throttle import Readable, Throttle
from .timer import Timer


class _Reading(Enum):
    HEAD = auto()
    BODY = auto()
    AHEAD = auto()  # past a whole request that is not answered
    TOO_FAR = auto()  # so far past it that no later one will be read; what comes is dropped
    NOTHING = auto()  # what comes is dropped


class Connection(Readable, Protocol):
    """The server's connection, as the reader uses it."""

    def begin(self, head: Head, incoming: Incoming) -> None:
        """Run the application on a request whose head has come."""

    def say_continue(self) -> None:
        """Ask the client for the body that the application wants and that it has not sent yet."""

    def refuse(self, refusal: Refusal) -> None:
        """Answer the request that could not be read, and close."""

    def finish(self) -> None:
        """Close when what was answered has gone out."""

    def drain(self) -> None:
        """Let the answer in hand be the last of this connection."""


class RequestReader:
    """The reading side of one connection.

    Args:
        connection: acts on what is read.
        opened: all connections of the server.
        loop: the server's event loop.
    """

    def __init__(
        self, connection: Connection, opened: OpenConnections, loop: asyncio.AbstractEventLoop
    ):
        self._connection = connection
        self._opened = opened
        self._throttle = Throttle(connection, self._give_up_ahead, loop)
        self._reading = _Reading.HEAD
        self._buffer = HeadBuffer()  # empty while a body is read
        self._incoming = _NO_BODY
        self._head_began = False
        self._timer = Timer(loop, self.give_up)

    def start(self) -> None:
        """Wait for the first request."""
        self._opened.wait(self)
        self._timer.start(limits.HEADERS_WITHIN)
        self.regulate()

    def feed(self, data: bytes) -> None:
        """Take what has come from the client."""
        if self._reading is _Reading.BODY:
            self._read_body(data)
        elif self._reading not in (_Reading.NOTHING, _Reading.TOO_FAR):
            self._buffer.add(data)
            if self._reading is _Reading.HEAD:
                self._read_head()
        self.regulate()

    def answered(self) -> None:
        """Go on to the next request: this one has its whole answer."""
        if self._reading is not _Reading.AHEAD:
            return
        self._reading = _Reading.HEAD
        self._incoming = _NO_BODY
        self._head_began = False
        self._opened.wait(self)
        self._timer.start(limits.KEEP_ALIVE)
        self._read_head()
        self.regulate()

    def stop(self) -> None:
        """Read no further request; what was not taken of a body is lost."""
        self._incoming.lose()
        self._reading = _Reading.NOTHING
        self._timer.stop()
        self._buffer.take_all()
        self._opened.remove(self)
        self.regulate()

    def hand_over(self) -> bytes:
        """Read nothing more: another protocol is spoken now. Return what has come of that."""
        ahead = self._buffer.take_all()
        self.stop()
        self._throttle.end()
        return ahead

    def lost(self) -> None:
        """Tell the request that is left behind that its connection is gone."""
        self._throttle.end()
        self.stop()

    @property
    def in_body(self) -> bool:
        """Whether the body of the request in hand has not come to its end."""
        return self._reading is _Reading.BODY

    @property
    def more_is_coming(self) -> bool:
        """Whether the client has sent, or must still send, what nobody will read."""
        return bool(self._buffer) or self._reading in (_Reading.BODY, _Reading.TOO_FAR)

    def give_up(self) -> None:
        """Refuse or close: the client took too long over a request, or over asking for one."""
        if self._buffer:
            self._refuse(refusals.HEADERS_TOO_SLOW)
        else:
            self.make_room()

    def make_room(self) -> None:
        """Close this connection, on which no request has begun."""
        self.stop()
        self._connection.finish()

    def regulate(self) -> None:
        """Read on, or not: this client, or all together, have sent enough for now."""
        ahead = len(self._buffer)
        self._opened.unread.note(self, ahead + self._incoming.size)
        self._throttle.hold(
            (self._opened.unread.full and self._reading is not _Reading.NOTHING)
            or (self._reading is _Reading.BODY and self._incoming.backlog)
            or (self._reading is _Reading.AHEAD and ahead > limits.LOOKAHEAD)
        )

    def give_up_unread(self) -> None:
        """Refuse what can't be read to its end; drop what was sent ahead of an answer."""
        if self._incoming.size or not self._give_up_ahead():
            self._refuse(refusals.UNREAD_FULL)

    def _read_head(self) -> None:
        head = self._buffer.take_head()
        if isinstance(head, Refusal):
            self._refuse(head)
        elif head is not None:
            self._begin(head)
        elif self._buffer and not self._head_began:
            self._head_began = True  # once: each byte must not buy more time
            self._timer.start(limits.HEADERS_WITHIN)

    def _begin(self, head: Head) -> None:
        self._timer.stop()
        self._opened.work(self)
        say_continue = self._connection.say_continue if head.expects_continue else _nothing
        self._incoming = Incoming(head.length, self.regulate, say_continue)
        self._reading = _Reading.AHEAD if self._incoming.ended else _Reading.BODY
        self._connection.begin(head, self._incoming)
        if self._reading is _Reading.BODY and self._buffer:
            self._read_body(self._buffer.take_all())

    def _read_body(self, data: bytes) -> None:
        try:
            rest = self._incoming.take(data)
        except BadBody as bad:
            self._refuse(bad.refusal)
            return
        if rest is not None:
            self._reading = _Reading.AHEAD
            self._buffer.add(rest)

    def _refuse(self, refusal: Refusal) -> None:
        self.stop()
        self._connection.refuse(refusal)

    def _give_up_ahead(self) -> bool:
        """Drop what was sent ahead of an answer; False where there is no answer to come."""
        if self._reading is not _Reading.AHEAD:
            return False
        self._reading = _Reading.TOO_FAR
        self._buffer.take_all()
        self._connection.drain()
        self.regulate()
        return True


def _nothing() -> None:
    pass


_NO_BODY = Incoming(0, _nothing, _nothing)  # where no request is in hand
