"""The front under uvicorn, with what uvicorn leaves to its user.

With httptools uvicorn drops the authority of an absolute target, has no limit on headers in size
or time, and its own errors carry none of what P4 asks for. It forgets that a client may be about
to send on a connection it closes as idle when it stops.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import struct
from collections.abc import Callable, Iterator

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .. import refusals
from .ending import Unfinished, end_badly, raw_refusal
from .limits import HEADERS_WITHIN, LAST_REQUESTS_WITHIN, LINGER, MAX_HEADERS
from .target import apply_target
from .waiting import until

SIGNALS = (signal.SIGTERM, signal.SIGINT)
SMALL = 16 * 1024  # bytes of a piece that is worth a wait
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close that the peer can't take for an end

_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


class Protocol(HttpToolsProtocol):
    """A connection with limits, which says why it refuses."""

    _in_headers = True
    _header_bytes = 0  # parsed
    _raw_bytes = 0  # received and not yet a whole head
    _refused = False
    _replaying = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(OneWrite(transport, self.loop))
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.scope["method"] != "CONNECT":
                self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("The request is not valid HTTP.")
        if self._in_headers and self.parser is not None and not self._refused:
            self._wait_for_more(len(data))

    def _ignore_upgrade(self, rest: bytes) -> None:
        # The parser stops at an Upgrade and leaves the body; another one takes over from there,
        # told of the headers that frame the body.
        framing = [b"%s: %s\r\n" % header for header in self.headers if header[0] in _FRAMING]
        self._replaying = True
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"".join((b"POST / HTTP/1.1\r\n", *framing, b"\r\n")))
        self._replaying = False
        if rest:
            self.data_received(rest)

    def on_message_begin(self) -> None:
        if self._replaying:
            return
        self._in_headers = True
        self._header_bytes = self._raw_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._replaying:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._replaying:
            return
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)

    def on_headers_complete(self) -> None:
        if self._replaying:
            return
        self._in_headers = False
        self._stop_timer()
        if self._too_large():
            raise _TooLarge  # comes back as send_400_response, by way of the parser
        target = self.url
        if not target.startswith(b"/"):
            self.url = b"/"
        super().on_headers_complete()
        if not target.startswith(b"/"):
            self.url = target
            apply_target(self.scope, target)
        if self.server_state.draining:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade() or self.scope["method"] == "CONNECT":
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        too_large = self._too_large()
        self._refuse(refusals.HEADERS_TOO_LARGE if too_large else refusals.bad_request(msg))

    def drain(self) -> None:
        """Let the answer in hand, or the next one, be the last of this connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def _too_large(self) -> bool:
        return max(self._raw_bytes, self._header_bytes + len(self.url)) > MAX_HEADERS

    def _wait_for_more(self, received: int) -> None:
        self._raw_bytes += received
        if self._too_large():
            self._refuse(refusals.HEADERS_TOO_LARGE)
        elif self._timer is None:
            self._expect_headers()

    def _expect_headers(self) -> None:
        self._timer = self.loop.call_later(HEADERS_WITHIN, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._raw_bytes:
            self._refuse(refusals.HEADERS_TOO_SLOW)
        else:
            self.transport.close()  # nothing was asked, so nothing is answered

    def _refuse(self, refusal: refusals.Refusal) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._stop_timer()
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            self.cycle.disconnected = True  # the connection answers in its own name
            self.cycle.message_event.set()
        self.transport.write(raw_refusal(refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)


class OneWrite:
    """A transport on which a small piece waits for the next, at most to the end of the tick.

    uvicorn writes the head and the body of an answer one by one: two system calls, two packets,
    and the client woken twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop):
        self._transport = transport
        self._loop = loop
        self._waiting = b""

    def write(self, data: bytes) -> None:
        if self._waiting or len(data) > SMALL:
            data, self._waiting = self._waiting + data, b""
            self._transport.write(data)
        else:
            self._waiting = data
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def __getattr__(self, name: str):
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._waiting and not self._transport.is_closing():
            self._transport.write(self._waiting)
        self._waiting = b""


class _TooLarge(Exception):
    pass


class DrainingServer(uvicorn.Server):
    """Drains without a lost connection, and leaves the signals as they were."""

    def __init__(self, config: uvicorn.Config, on_draining: Callable[[], None]):
        super().__init__(config)
        self.server_state.draining = False
        self._on_draining = on_draining

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_draining()
        self.server_state.draining = True
        for listening in [*self.servers, *(sockets or [])]:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.drain()
        await self._last_requests()
        await super().shutdown(sockets)

    async def _last_requests(self) -> None:
        # On an idle connection the next request may be under way; closing now would lose it.
        state = self.server_state
        await until(lambda: self.force_exit or not state.connections, LAST_REQUESTS_WITHIN)

    def _stop(self) -> None:
        if not self.should_exit:
            self.should_exit = True
            return
        self.force_exit = True
        for task in list(self.server_state.tasks):
            task.cancel()


def guard(app: Callable) -> Callable:
    """The application, with an end to every answer that it leaves unfinished."""

    async def guarded(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        cycle: RequestResponseCycle = send.__self__
        try:
            await app(scope, receive, send)
            if cycle.response_complete or cycle.disconnected:
                return
            raise Unfinished
        except (Exception, asyncio.CancelledError) as error:
            if not cycle.disconnected:
                started = cycle.response_started
                await end_badly(error, scope, send, started=started, cut=lambda: _cut(cycle))

    return guarded


def _cut(cycle: RequestResponseCycle) -> None:
    if cycle.response_complete:
        return
    cycle.disconnected = True  # what is sent from now on goes nowhere
    if cycle.scope["http_version"] == "1.0":  # which can't see that the last chunk is missing
        connection = cycle.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        cycle.transport.abort()
    else:
        cycle.transport.close()


def run(
    app: Callable,
    listening: socket.socket,
    *,
    graceful_timeout: float,
    on_draining: Callable[[], None],
    access_log: bool,
) -> None:
    """See the package's `run`."""
    _share_log()
    config = uvicorn.Config(
        guard(app),
        http=Protocol,
        ws="none",
        lifespan="auto",
        log_config=None,
        log_level="info" if access_log else "warning",
        access_log=access_log,
        proxy_headers=False,  # TRUSTED_PROXIES decides
        server_header=False,
        date_header=False,  # the front's
        timeout_graceful_shutdown=graceful_timeout,
    )
    DrainingServer(config, on_draining).run(sockets=[listening])


def _share_log() -> None:
    """uvicorn logs where queueproxy does."""
    for handler in logging.getLogger("queueproxy").handlers:
        logging.getLogger("uvicorn").addHandler(handler)
