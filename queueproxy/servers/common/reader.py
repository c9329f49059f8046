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
from .framing import BadBody, ChunkedBody, SizedBody
from .head import Head
from .head_buffer import HeadBuffer
from .incoming import Incoming
from .open_connections import OpenConnections
from .sockets import has_left
from .throttle import Throttle
from .timer import Timer


class _Reading(Enum):
    HEAD = auto()
    BODY = auto()
    AHEAD = auto()  # past a whole request that is not answered
    TOO_FAR = auto()  # so far past it that no later one will be read; what comes is dropped
    NOTHING = auto()  # what comes is dropped


class Connection(Protocol):
    """The server's connection, as the reader uses it."""

    def begin(self, head: Head, incoming: Incoming) -> None:
        """Run the application on a request whose head has come."""

    def say_continue(self) -> None:
        """Ask the client for the body that the application wants and that it has not sent yet."""

    def refuse(self, refusal: Refusal) -> None:
        """Answer the request that could not be read, and close."""

    def finish(self) -> None:
        """Close when what was answered has gone out."""

    def abort(self) -> None:
        """Close at once; the client has left."""

    def pause_reading(self) -> None:
        """Stop taking bytes from the client."""

    def resume_reading(self) -> None:
        """Take them again."""

    def drain(self) -> None:
        """Let the answer in hand be the last of this connection."""

    def fileno(self) -> int:
        """Return the socket's descriptor."""


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
        self._throttle = Throttle(
            connection.pause_reading, connection.resume_reading, self._look, loop
        )
        self._reading = _Reading.HEAD
        self._buffer = HeadBuffer()  # empty while a body is read
        self._body: SizedBody | ChunkedBody | None = None
        self._incoming: Incoming | None = None
        self._head_began = False
        self._timer = Timer(loop, self.give_up)

    def start(self) -> None:
        """Wait for the first request."""
        self._opened.wait(self)
        self._timer.start(limits.HEADERS_WITHIN)

    def feed(self, data: bytes) -> None:
        """Take what has come from the client."""
        if self._reading is _Reading.BODY:
            self._read_body(data)
        elif self._reading not in (_Reading.NOTHING, _Reading.TOO_FAR):
            self._buffer.add(data)
            if self._reading is _Reading.HEAD:
                self._read_head()
        self._regulate()

    def answered(self) -> None:
        """Go on to the next request: this one has its whole answer."""
        if self._reading is not _Reading.AHEAD:
            return
        self._reading = _Reading.HEAD
        self._incoming = None
        self._head_began = False
        self._opened.wait(self)
        self._timer.start(limits.KEEP_ALIVE)
        self._read_head()
        self._regulate()

    def stop(self) -> None:
        """Read no further request; a body that is still read is lost."""
        if self._reading is _Reading.BODY:
            self._incoming.lose()
        self._reading = _Reading.NOTHING
        self._timer.stop()
        self._buffer.take_all()
        self._opened.remove(self)
        self._regulate()

    def lost(self) -> None:
        """Tell the request that is left behind that its connection is gone."""
        if self._incoming is not None:
            self._incoming.lose()
        self._throttle.end()
        self._reading = _Reading.NOTHING
        self._timer.stop()
        self._opened.remove(self)

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

    # Reading

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
        self._incoming = Incoming(self._regulate, say_continue)
        if head.length == 0:
            self._reading = _Reading.AHEAD
            self._incoming.end()
        else:
            self._reading = _Reading.BODY
            self._body = ChunkedBody() if head.length is None else SizedBody(head.length)
        self._connection.begin(head, self._incoming)
        if self._reading is _Reading.BODY and self._buffer:
            self._read_body(self._buffer.take_all())

    def _read_body(self, data: bytes) -> None:
        try:
            rest = self._body.take(data, self._incoming.feed)
        except BadBody as bad:
            self._refuse(bad.refusal)
            return
        if rest is not None:
            self._reading = _Reading.AHEAD
            self._buffer.add(rest)
            self._incoming.end()

    def _refuse(self, refusal: Refusal) -> None:
        self.stop()
        self._connection.refuse(refusal)

    def _regulate(self) -> None:
        self._throttle.hold(
            (self._reading is _Reading.BODY and self._incoming.backlog)
            or (self._reading is _Reading.AHEAD and len(self._buffer) > limits.LOOKAHEAD)
        )

    def _look(self) -> None:
        # A FIN may wait behind what its client could not send yet: what is ahead is given up for
        # it. A body can't be given up.
        if self._reading is _Reading.AHEAD:
            self._reading = _Reading.TOO_FAR
            self._buffer.take_all()
            self._connection.drain()
            self._regulate()
        elif has_left(self._connection.fileno()):
            self._connection.abort()


def _nothing() -> None:
    pass
