"""The front under Daphne, with what Daphne leaves to its user.

Daphne reads the whole body before the application is called, writes without backpressure, drops
held clients on SIGTERM, and lets an exception after the response began disable its checker for
good. Each is put right here, on Daphne's own classes.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable
from functools import partial

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from twisted.internet import reactor
from twisted.internet.interfaces import IPushProducer
from twisted.web import http
from zope.interface import implementer

from .. import refusals
from ..headers import request_id
from ..refusals import Refusal

logger = logging.getLogger("queueproxy.front")

LINGER = 1.0  # seconds a refused client may go on sending, so that it reads why


@implementer(IPushProducer)
class Gate:
    """Shut while the transport's buffer is full."""

    def __init__(self):
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:
        self._open.clear()

    def resumeProducing(self) -> None:
        self._open.set()

    def stopProducing(self) -> None:
        self._open.set()

    async def passed(self) -> None:
        """Wait until there is room."""
        await self._open.wait()


class CappedRequest(WebRequest):
    """A request whose body has a limit and whose answer waits for its client."""

    refused = False
    received = 0
    gate: Gate | None = None

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > self.server.max_body:
            self.refuse(refusals.BODY_TOO_LARGE)
            return
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.received > self.server.max_body and not self.refused:
            self.refuse(refusals.BODY_TOO_LARGE)
        if not self.refused:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self.refused:
            super().requestReceived(command, path, version)

    def process(self):
        self.requestHeaders.removeHeader(b"daphne-root-path")  # anybody could send it
        return super().process()

    def refuse(self, refusal: Refusal) -> None:
        """Answer before the request is complete, then close."""
        self.refused = True
        self.channel.refuse(refusal, request_id(()))

    def handle_reply(self, message: dict) -> None:
        if message["type"] == "http.response.body" and self.gate is None:
            if message.get("more_body"):
                self.gate = Gate()
                self.registerProducer(self.gate, True)
        super().handle_reply(message)

    def finish(self) -> None:
        if self.gate is not None:
            self.gate.resumeProducing()
            self.unregisterProducer()
        super().finish()

    def connectionLost(self, reason) -> None:
        if self.gate is not None:
            self.gate.resumeProducing()
        super().connectionLost(reason)

    def cut(self) -> None:
        """Close without framing the body as complete (P9)."""
        if self.channel is not None:
            self.channel.transport.abortConnection()


class Channel(http.HTTPChannel):
    """A connection that says why it refuses."""

    refusing = False

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(refusals.HEADERS_TOO_LARGE, request_id(()))

    def _respondToBadRequestAndDisconnect(self) -> None:
        if self._receivedHeaderSize > self.totalHeadersSize:
            self.refuse(refusals.HEADERS_TOO_LARGE, request_id(()))
        else:
            self.refuse(refusals.bad_request("The request is not valid HTTP."), request_id(()))

    def refuse(self, refusal: Refusal, id: str) -> None:
        """Write an answer by hand, read on for a moment without looking, and close."""
        if self.refusing:
            return
        self.refusing = True
        status, headers, body = refusals.response(refusal, id)
        reason = http.RESPONSES.get(status, b"")
        lines = [b"HTTP/1.1 %d %s" % (status, reason)]
        lines += [name + b": " + value for name, value in headers]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        reactor.callLater(LINGER, self.transport.loseConnection)

    def dataReceived(self, data: bytes) -> None:
        if not self.refusing:
            super().dataReceived(data)


def _channel() -> http._GenericHTTPChannelProtocol:
    return http._GenericHTTPChannelProtocol(Channel())


class Factory(HTTPFactory):
    """Makes our channels and requests."""

    protocol = staticmethod(_channel)

    def buildProtocol(self, address):
        channel = super().buildProtocol(address)
        channel.requestFactory = CappedRequest
        return channel


class DrainingServer(Server):
    """Daphne's server, which stops by draining."""

    def __init__(self, *args, max_body: int, graceful_timeout: float, on_draining, **kwargs):
        super().__init__(*args, **kwargs)
        self.max_body = max_body
        self._graceful_timeout = graceful_timeout
        self._on_draining = on_draining
        self._draining = False

    def create_application(self, protocol, scope: dict) -> asyncio.Queue | None:
        input_queue: asyncio.Queue = asyncio.Queue()
        if protocol not in self.connections:
            return None
        scope.setdefault("asgi", {"version": "3.0"})
        send = partial(self.handle_reply, protocol)
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(
            self._guarded(protocol, self.application(scope, input_queue.get, send))
        )
        return input_queue

    async def _guarded(self, protocol, application) -> None:
        try:
            await application
        except Exception as error:
            if getattr(protocol, "_response_started", False):
                logger.info("An answer was cut off: %s", error)
                protocol.cut()
            else:
                logger.exception("The front failed")
                protocol.basic_error(500, b"Internal Server Error", "Internal server error.")

    async def handle_reply(self, protocol, message: dict) -> None:
        await super().handle_reply(protocol, message)
        gate = getattr(protocol, "gate", None)
        if gate is not None:
            await gate.passed()

    def drain(self) -> None:
        """Stop listening; stop when nobody is held any more, or time is up. Twice: stop at once."""
        if self._draining:
            self.stop()
            return
        self._draining = True
        self._on_draining()
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        self._stop_when_idle(time.monotonic() + self._graceful_timeout)

    def _stop_when_idle(self, deadline: float) -> None:
        held = [
            details
            for details in self.connections.values()
            if "application_instance" in details and not details["application_instance"].done()
        ]
        if not held or time.monotonic() >= deadline:
            self.stop()
        else:
            reactor.callLater(0.05, self._stop_when_idle, deadline)

    def kill_all_applications(self):
        # Daphne's takes for granted that each connection has an application by now.
        for protocol in [p for p, d in self.connections.items() if "application_instance" not in d]:
            del self.connections[protocol]
        return super().kill_all_applications()


def run(
    app: Callable,
    listening: socket.socket,
    *,
    max_body: int,
    graceful_timeout: float,
    on_draining: Callable[[], None],
    access_log: bool,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is held, at most `graceful_timeout` seconds."""
    server = DrainingServer(
        application=app,
        endpoints=[f"fd:fileno={listening.fileno()}"],
        signal_handlers=False,
        server_name="",
        action_logger=_log_access if access_log else None,
        max_body=max_body,
        graceful_timeout=graceful_timeout,
        on_draining=on_draining,
        application_close_timeout=5,
    )
    with _patched_factory():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reactor.callFromThread(server.drain))
        server.run()


@contextlib.contextmanager
def _patched_factory():
    # Server.run names its factory class; there is no other place to put ours in.
    import daphne.server

    original = daphne.server.HTTPFactory
    daphne.server.HTTPFactory = Factory
    try:
        yield
    finally:
        daphne.server.HTTPFactory = original


def _log_access(protocol: str, action: str, details: dict) -> None:
    if protocol == "http" and action == "complete":
        logger.info("%(client)s %(method)s %(path)s %(status)s", details)
