"""HTTP connections under Daphne, read by our own reader.

Of Twisted's channel what writes is used, and nothing that reads: it takes no more than the first
word of the first Connection header, and sends 408 into connections on which nothing was asked.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from daphne.http_protocol import HTTPFactory
from daphne.server import twisted_loop
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http

from ...front.http import refusals
from ...front.http.refusals import Refusal
from ..common import limits
from ..common.ending import raw_refusal
from ..common.head import Head
from ..common.incoming import Incoming
from ..common.reader import RequestReader
from ..common.websockets import handshake_refusal
from .request import Request

if TYPE_CHECKING:
    from .server import DrainingDaphne


class Channel(http.HTTPChannel):
    """One connection, of which one request at a time is in `requests`."""

    transport: Any  # over TCP or a unix socket; has more than any one interface of Twisted promises
    requestFactory: type[Request]

    def __init__(self) -> None:
        super().__init__()
        self.writable = asyncio.Event()  # there is room in the transport's buffer
        self.writable.set()
        self._finishing = False
        self._timers: list[asyncio.TimerHandle] = []

    # Twisted's side

    def connectionMade(self) -> None:
        super().connectionMade()
        server = self.factory.server
        self._reader = RequestReader(self, server.opened, twisted_loop)
        if server.opened.has_room(len(server.connections)):
            server.channels.add(self)
            self._reader.start()
        else:
            self._reader.stop()
            self.refuse(refusals.TOO_MANY_CONNECTIONS)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.server.channels.discard(self)
        self.writable.set()
        for timer in self._timers:
            timer.cancel()
        self._reader.lost()
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)

    def pauseProducing(self) -> None:
        self.writable.clear()

    def resumeProducing(self) -> None:
        self.writable.set()

    def requestDone(self, request: Request) -> None:
        self.requests.remove(request)
        if self.persistent and not self._reader.in_body:
            self._reader.answered()
        else:  # what is left of its body must not be read as a request
            self.finish()

    # The reader's side

    def begin(self, head: Head, incoming: Incoming) -> None:
        """Run the application on a request, or hand the connection over to a websocket."""
        websocket = head.asks_for_websocket()
        refusal = _refusal_of(head, self.factory.server.draining) if websocket else None
        if refusal is not None:
            self._reader.stop()
            self.refuse(refusal, counts=False)
            return
        self.persistent = head.keep_alive and not websocket
        request = self.requestFactory(self, False)
        self.requests.append(request)
        if websocket:
            self.factory.server.channels.discard(self)
            request.become_websocket(head, self._reader.hand_over())
        else:
            request.begin(head, incoming)

    def say_continue(self) -> None:
        """Ask the client for its body."""
        if self.requests and not self.requests[0].startedWriting:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def refuse(self, refusal: Refusal, *, counts: bool = True) -> None:
        """Let a refusal be the last answer of this connection; `counts` not for a websocket."""
        for request in self.requests:
            if request.startedWriting:
                self.persistent = False  # it has its answer, and that is the last
                return
            request.abandon()
        self.transport.write(raw_refusal(refusal))
        self.finish(linger=True)
        if counts:
            self.factory.server.on_refused(refusal)

    def abort(self) -> None:
        """Close at once."""
        self.transport.abortConnection()

    def pause_reading(self) -> None:
        """Take nothing from the client for now."""
        self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Take its bytes again."""
        self.transport.resumeProducing()

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return int(self.transport.fileno())

    # The end

    def finish(self, *, linger: bool = False) -> None:
        """Close when the last answer has gone out.

        A socket closed with bytes unread is reset, and the reset can overtake the answer. A
        client that takes nothing of what is left for it is cut.

        Args:
            linger: read on for a moment; so also where more of the client's is under way.
        """
        if self._finishing:
            return
        self._finishing = True
        linger = linger or self._reader.more_is_coming
        self._reader.stop()
        if linger:
            self._networkProducer.unregisterProducer()
            self.transport.loseWriteConnection()
            self._later(limits.LINGER, self.loseConnection)
        else:
            self.loseConnection()
        self._later(limits.STALLED, self._look, self._unsent())

    def _look(self, before: int) -> None:
        left = self._unsent()
        if left and left >= before:
            self.transport.abortConnection()
        else:
            self._later(limits.STALLED, self._look, left)

    def _later(self, seconds: float, call: Callable[..., None], *args: object) -> None:
        self._timers.append(twisted_loop.call_later(seconds, call, *args))

    def _unsent(self) -> int:
        transport = self.transport
        return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)

    def drain(self) -> None:
        """Let the answer in hand, or the next one, be the last of this connection."""
        if self.requests:
            self.persistent = False

    @property
    def idle(self) -> bool:
        """Whether nothing has been asked that is not answered."""
        return not self.requests


def _refusal_of(handshake: Head, draining: bool) -> Refusal | None:
    return refusals.FRONT_STOPPED_UNSENT if draining else handshake_refusal(handshake)


class Factory(HTTPFactory):
    """Makes our connections and requests."""

    protocol = Channel

    def __init__(self, server: "DrainingDaphne"):
        super().__init__(server)
        self.timeOut = None  # the reader has the timers

    def buildProtocol(self, addr: object) -> Channel:
        channel: Channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel
