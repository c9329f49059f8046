"""HTTP connections under uvicorn, with what uvicorn leaves to its user.

With httptools uvicorn drops the authority of an absolute target, has no limit on headers in size
or time, and its own errors carry none of what P4 asks for.
"""

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ...front.http import refusals
from ..common.ending import raw_refusal
from ..common.limits import HEADERS_WITHIN, LINGER, MAX_HEADERS
from ..common.target import apply_target

SMALL = 16 * 1024  # bytes of a piece that is worth a wait

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
