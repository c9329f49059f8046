"""HTTP connections under Daphne, with the limits and the refusals that Daphne leaves to its user.

Daphne closes without a word on headers it finds too large, and says nothing of why it refuses.
"""

import asyncio

from daphne.http_protocol import HTTPFactory
from twisted.internet import reactor
from twisted.protocols.basic import LineReceiver
from twisted.web import http

from ...front.http import refusals
from ...front.http.refusals import Refusal
from ..common.ending import raw_refusal
from ..common.limits import HEADERS_WITHIN, LINGER, MAX_HEADERS
from .request import Request

_MAX_DIGITS = 18  # of a Content-Length


class Channel(http.HTTPChannel):
    """A connection with limits, which says why it refuses."""

    MAX_LENGTH = totalHeadersSize = MAX_HEADERS

    def __init__(self):
        super().__init__()
        self.writable = asyncio.Event()  # there is room in the transport's buffer
        self.writable.set()
        self._refused = False
        self._head_began = False  # a part of a request's headers is there

    def connectionMade(self) -> None:
        self.factory.server.channels.add(self)
        super().connectionMade()

    def connectionLost(self, reason) -> None:
        self.factory.server.channels.discard(self)
        self.writable.set()
        super().connectionLost(reason)

    def pauseProducing(self) -> None:
        self.writable.clear()
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self.writable.set()
        super().resumeProducing()

    def dataReceived(self, data: bytes) -> None:
        if self._refused:
            return
        if not self._head_began:
            self._head_began = True
            self.resetTimeout()  # once: each byte must not buy more time
        LineReceiver.dataReceived(self, data)

    def timeoutConnection(self) -> None:
        if self._head_began:
            self.refuse(refusals.HEADERS_TOO_SLOW)
        else:
            super().timeoutConnection()

    def lineReceived(self, line: bytes) -> None:
        if not self._refused:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(refusals.HEADERS_TOO_LARGE)

    def _maybeChooseTransferDecoder(self, header: bytes, data: bytes) -> bool:
        refusal = None
        if header == b"Transfer-Encoding" and data.lower() != b"chunked":
            refusal = refusals.not_implemented("Only the chunked transfer coding is implemented.")
        elif header == b"Content-Length" and data.isdigit() and len(data) > _MAX_DIGITS:
            refusal = refusals.BODY_TOO_LARGE
        if refusal is None:
            return super()._maybeChooseTransferDecoder(header, data)
        self.refuse(refusal)
        return False

    def _respondToBadRequestAndDisconnect(self) -> None:
        too_many = self._receivedHeaderCount > self.maxHeaders
        if too_many or self._receivedHeaderSize > self.totalHeadersSize:
            self.refuse(refusals.HEADERS_TOO_LARGE)
        else:
            self.refuse(refusals.bad_request("The request is not valid HTTP."))

    def _send100Continue(self) -> None:
        self.requests[-1].continue_asked = True  # said when the application asks for the body

    def refuse(self, refusal: Refusal) -> None:
        """Say so, read on for a moment without looking, and close."""
        if self._refused:
            return
        self._refused = True
        self.setTimeout(None)
        if any(request.startedWriting for request in self.requests):
            self.transport.abortConnection()
            return
        for request in self.requests:
            request.abandon()
        self.transport.write(raw_refusal(refusal))
        self.transport.loseWriteConnection()
        reactor.callLater(LINGER, self.transport.abortConnection)

    def begin_request(self) -> None:
        """The headers are there: the idle timeout is not for what comes now."""
        self._head_began = False
        self._savedTimeOut = self.setTimeout(None)

    def drain(self) -> None:
        """Let the answer in hand, or the next one, be the last of this connection."""
        if self.requests:
            self.persistent = 0

    @property
    def idle(self) -> bool:
        """Whether nothing has been asked that is not answered."""
        return not self.requests


class Factory(HTTPFactory):
    """Makes our connections and requests."""

    protocol = Channel

    def __init__(self, server):
        super().__init__(server)
        self.timeOut = HEADERS_WITHIN

    def buildProtocol(self, addr):
        channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel
