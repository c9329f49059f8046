"""One HTTP request under Daphne: its body comes as it is read, its answer goes as it is taken.

Daphne calls the application when the whole body is in memory, writes however slow the client is,
and lets an exception after the response began disable its checker for good. So HTTP requests are
handed to the application here; WebSockets stay Daphne's own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from daphne.http_protocol import WebRequest
from twisted.web import http
from twisted.web.http_headers import Headers

from ...http_syntax import BODILESS
from ..common.ending import Unfinished, end_badly
from ..common.incoming import Incoming
from ..common.target import apply_target


class Request(WebRequest):
    """A request whose body comes as it is read and whose answer goes as its client reads."""

    continue_asked = False
    abandoned = False
    incoming: Incoming | None = None  # None for a WebSocket
    _left: int | None = None  # bytes of body still to be sent, where a length was announced

    # What comes in

    def gotLength(self, length: int | None) -> None:
        channel = self.channel
        self.method, self.uri = channel._command, channel._path
        self.clientproto = channel._version
        if length == 0 and self._upgrade() == b"websocket":
            super().gotLength(length)
            return
        channel.begin_request()
        network = channel.transport
        self.incoming = Incoming(
            network.pauseProducing, network.resumeProducing, self._say_continue
        )
        self.server.start(self)

    def handleContentChunk(self, data: bytes) -> None:
        if self.incoming is None:
            super().handleContentChunk(data)
        elif not self.incoming.lost:
            self.incoming.feed(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.incoming is None:
            super().requestReceived(command, path, version)
        else:
            self.incoming.end()

    def connectionLost(self, reason) -> None:
        if self.incoming is not None:
            self.incoming.lose()
        super().connectionLost(reason)

    def abandon(self) -> None:
        """The connection answers in its own name; what the application says is not sent."""
        self.abandoned = True
        if self.incoming is not None:
            self.incoming.lose()

    def scope(self) -> dict:
        """The ASGI scope."""
        path, _, query = self.uri.partition(b"?")
        secure = self.isSecure()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.clientproto.rpartition(b"/")[2].decode("ascii"),
            "method": self.method.decode("ascii"),
            "scheme": "https" if secure else "http",
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [
                (name.lower(), value)
                for name, values in self.requestHeaders.getAllRawHeaders()
                for value in values
            ],
            "client": _address(self.client),
            "server": _address(self.host),
        }
        if not self.uri.startswith(b"/"):
            apply_target(scope, self.uri)
        return scope

    def _upgrade(self) -> bytes:
        return self.requestHeaders.getRawHeaders(b"upgrade", [b""])[0].lower()

    def _say_continue(self) -> None:
        if self.continue_asked and not self.startedWriting and not self._disconnected:
            self.continue_asked = False
            self.channel.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # What goes out

    async def respond(self, app: Callable[..., Awaitable[None]], scope: dict) -> None:
        """Run the application; whatever it does, its client gets one answer or sees it cut."""
        try:
            await app(scope, self.incoming.receive, self.send)
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

    async def send(self, message: dict) -> None:
        """The application's ``send``; returns when there is room for more."""
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

    def cut(self) -> None:
        """Close, so that the answer is seen to be incomplete."""
        if self._gone or self.finished:
            return
        if self.chunked or self._left:
            self.channel.loseConnection()
        else:  # its end is the close: only a reset tells them apart
            self.channel.transport.abortConnection()

    @property
    def _gone(self) -> bool:
        return self._disconnected or self.abandoned

    def _start(self, message: dict) -> None:
        if self._response_started:
            raise RuntimeError("The answer has already begun.")
        self._response_started = True
        self.setResponseCode(message["status"])
        for name, value in message.get("headers", ()):
            self.responseHeaders.addRawHeader(name, value)
        fields = self.responseHeaders
        bodiless = self.method == b"HEAD" or self.code in BODILESS
        if fields.hasHeader(b"content-length") and not bodiless:
            self._left = int(fields.getRawHeaders(b"content-length")[0])
        closing = b"close" in fields.getRawHeaders(b"connection", ())
        if closing or self.server.draining or not self.channel.persistent:
            fields.setRawHeaders(b"connection", [b"close"])
            self.channel.persistent = 0
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
        if self.incoming is not None:
            if not self.incoming.ended:  # its rest must not be read as a request
                self.channel.persistent = 0
            self.server.log_answer(self)
        super().finish()
        if self.incoming is not None:
            self.incoming.lose()


def _address(address) -> list | None:
    return [address.host, address.port] if hasattr(address, "host") else None
