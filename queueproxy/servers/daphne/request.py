"""One HTTP request under Daphne: its body comes as it is read, its answer goes as it is taken.

Daphne calls the application when the whole body is in memory, writes however slow the client is,
and lets an exception after the response began disable its checker for good. So HTTP requests are
handed to the application here; WebSockets stay Daphne's own.
"""

import asyncio
from typing import Any

from daphne.http_protocol import WebRequest
from twisted.web import http
from twisted.web.http_headers import Headers

from ...asgi_types import ASGIApplication, Message, Receive, Scope
from ...front.http.headers import Address
from ...http_syntax import BODILESS
from ..common.ending import Unfinished, end_badly
from ..common.head import Head, http_scope
from ..common.incoming import Incoming

# Of a handshake: Daphne reads the first Upgrade alone, and by the other any client could set
# root_path.
_DAPHNES_OWN = frozenset((b"upgrade", b"daphne-root-path"))


class Request(WebRequest):
    """A request whose body comes as it is read and whose answer goes as its client reads."""

    abandoned = False
    incoming: Incoming | None = None  # None for a websocket
    _left: int | None = None  # bytes of body still to be sent, where a length was announced

    # What comes in

    def begin(self, head: Head, incoming: Incoming) -> None:
        """Run the application."""
        self._take(head)
        self.incoming = incoming
        self._transport = self.channel.transport
        scope = http_scope(head, _address(self.client), _address(self.host))
        self.server.start(self, scope, incoming.receive)

    def become_websocket(self, head: Head, ahead: bytes) -> None:
        """Let Daphne take the connection over.

        Args:
            head: of the handshake.
            ahead: what the client has sent after it.
        """
        for name, value in head.headers:
            if name not in _DAPHNES_OWN:
                self.requestHeaders.addRawHeader(name, value)
        self.requestHeaders.addRawHeader(b"upgrade", b"websocket")
        self.gotLength(0)
        transport = self.channel.transport
        self.requestReceived(head.method.encode(), head.target, b"HTTP/1.1")
        websocket = transport.protocol
        websocket.writable = self.channel.writable  # the channel goes on to be told of room
        if ahead:
            websocket.dataReceived(ahead)

    def _take(self, head: Head) -> None:
        self.method, self.uri = head.method.encode(), head.target
        self.clientproto = b"HTTP/" + head.version.encode()

    def abandon(self) -> None:
        """Send nothing the application says: the connection answers in its own name."""
        self.abandoned = True

    # What goes out

    async def respond(self, app: ASGIApplication, scope: Scope, receive: Receive) -> None:
        """Run the application; whatever it does, its client gets one answer or sees it cut."""
        try:
            await app(scope, receive, self.send)
            if not self.finished and not self._gone:
                raise Unfinished
        except (Exception, asyncio.CancelledError) as error:
            if self._gone:
                return
            if not self.startedWriting:
                self.responseHeaders = Headers()
                self._response_started = False
            started = bool(self.startedWriting)
            await end_badly(error, scope, self.send, started=started, cut=self.cut)

    async def send(self, message: Message) -> None:
        """Do what ``send`` of ASGI does; return when there is room for more."""
        if self._gone:
            return
        if self.finished:
            raise RuntimeError("The answer is complete.")
        writable = self.channel.writable
        if message["type"] == "http.response.start":
            self._start(message)
        else:
            self._write_body(message.get("body", b""), more=message.get("more_body", False))
        await writable.wait()

    def cut(self, at_once: bool) -> None:
        """Close, so that the answer is seen to be incomplete.

        Args:
            at_once: drop what waits for the client.
        """
        if self._gone or self.finished:
            return
        if not at_once and (self.chunked or self._left):
            self.channel.finish()
        else:  # its end is the close: only a reset tells them apart
            self.channel.transport.abortConnection()

    @property
    def _gone(self) -> bool:
        return self._disconnected or self.abandoned

    def _start(self, message: Message) -> None:
        if self._response_started:
            raise RuntimeError("The answer has already begun.")
        self._response_started = True
        self.setResponseCode(message["status"])
        for name, value in message.get("headers", ()):
            self.responseHeaders.addRawHeader(name, value)
        fields = self.responseHeaders
        bodiless = self.method == b"HEAD" or self.code in BODILESS
        lengths = fields.getRawHeaders(b"content-length")
        if lengths and not bodiless:
            self._left = int(lengths[0])
        closing = b"close" in fields.getRawHeaders(b"connection", ())
        if closing or self.server.draining or not self.channel.persistent:
            fields.setRawHeaders(b"connection", [b"close"])
            self.channel.persistent = False
        http.Request.write(self, b"")

    def _write_body(self, body: bytes, *, more: bool) -> None:
        if not self._response_started:
            raise RuntimeError("The answer has not begun.")
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left > 0 and not more):
                raise RuntimeError("The body is not as long as its Content-Length says.")
        self.write(body)  # which is nothing where there is no body
        if not more:
            self.finish()

    def finish(self) -> None:
        super().finish()
        if self.incoming is not None:
            self.incoming.lose()


def _address(address: Any) -> Address | None:
    return (address.host, address.port) if hasattr(address, "host") else None
