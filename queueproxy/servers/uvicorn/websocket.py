"""One websocket under uvicorn, whose handshake our own reader has read."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from ...front.http import refusals
from ...front.http.refusals import Refusal
from ..common import limits
from ..common.ending import raw_refusal
from ..common.head import Head, http_scope
from ..common.in_turns import InTurns
from ..common.websockets import NO_WEBSOCKET, RESTART, TOO_BIG

if TYPE_CHECKING:
    from .protocol import Protocol

# What the protocol itself needs of the headers. Its library has narrower limits than ours for lines
# and their number, and the rest is the application's.
_OF_THE_PROTOCOL = frozenset(
    (
        *(b"host", b"connection", b"sec-websocket-key", b"sec-websocket-version"),
        *(b"sec-websocket-protocol", b"sec-websocket-extensions"),
    )
)


class WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket; refused or ended, it says what the front's other answers say.

    Args:
        head: of the handshake.
        connection: the `Protocol` that has read it.
        gone: called when the connection is lost.
    """

    def __init__(self, head: Head, connection: "Protocol", gone: Callable[["WebSocket"], None]):
        super().__init__(
            config=connection.config,
            server_state=connection.server_state,
            app_state=connection.app_state,
            _loop=connection.loop,
        )
        self.close_timeout = limits.CLOSED_WITHIN
        self._head = head
        self._gone = gone
        self._frames_in_turns = InTurns(self.loop, self._parse, self._pause, self._resume)
        self._refused = False
        self._application: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None

    def take_over(self, transport: asyncio.Transport, ahead: bytes) -> None:
        """Begin on a connection.

        Args:
            transport: its own.
            ahead: what the client has sent after the handshake.
        """
        transport.set_protocol(self)
        self.connection_made(transport)
        self._unanswered = self.loop.call_later(limits.ACCEPTED_WITHIN, self._refuse, NO_WEBSOCKET)
        fields = [b"%s: %s" % field for field in self._head.headers if field[0] in _OF_THE_PROTOCOL]
        lines = (b"GET / HTTP/1.1", b"upgrade: websocket", *fields, b"", b"")
        super().data_received(b"\r\n".join(lines))
        if not self.handshake_initiated:  # the library's limits for its own lines are narrower
            self._refuse(refusals.HEADERS_TOO_LARGE)
        self.data_received(ahead)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and keep it until the handshake is answered (RFC 6455, 4.1)."""
        self._frames_in_turns.feed(data)

    def _parse(self, data: bytes) -> None:
        refused = self._refused or self.initial_response is not None
        if not refused and not self.transport.is_closing():
            super().data_received(data)

    def _pause(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _resume(self) -> None:
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def receive(self) -> Any:
        """Do what ``receive`` of ASGI does."""
        message = await super().receive()
        if self._frames_in_turns.busy:  # before more is read
            self._pause()
        return message

    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        if len(self.frames) < limits.MAX_FRAGMENTS:
            super().handle_cont(event)
            return
        self.conn.send_close(TOO_BIG, "The message has too many fragments.")
        self.handle_parser_exception()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.close_sent:  # an offer that could not be read
            return
        seen = http_scope(self._head, self.client, self.server)
        for name in ("path", "raw_path", "query_string", "root_path", "headers"):
            self.scope[name] = seen[name]

    def connection_lost(self, exc: Exception | None) -> None:
        self._unanswered.cancel()
        self._frames_in_turns.end()
        self._gone(self)
        super().connection_lost(exc)
        if self._application is not None:
            self.loop.call_later(limits.LEFT_WITHIN, self._application.cancel)

    async def run_asgi(self) -> None:
        self._application = asyncio.current_task()
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        """Do what ``send`` of ASGI does, and nothing where the websocket is closing.

        As an exception, which uvicorn raises then, it would end a consumer of Channels before that
        is told of the end, and its groups would keep it.
        """
        await asyncio.sleep(0)  # what does nothing but send must let others run
        if self._leaving is not None or (self._answered and self.close_sent):
            return
        if message["type"] == "websocket.close" and not self._answered:
            self._refuse(NO_WEBSOCKET)
            return
        waited = not self._answered
        with suppress(ClientDisconnected):
            await super().send(message)
        if waited and self._answered:
            self._unanswered.cancel()
            self._frames_in_turns.begin()

    def send_500_response(self) -> None:
        self._refuse(refusals.FRONT_FAILED)

    def drain(self) -> None:
        """Tell the client to connect anew, to another front; refuse it where it is not open."""
        if not self._answered:
            self._refuse(refusals.FRONT_STOPPED_UNSENT)
        elif not self.close_sent and self._leaving is None:
            farewell: Any = {"type": "websocket.close", "code": RESTART}
            self._leaving = self.loop.create_task(super().send(farewell))
            self._abort_later()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    def _abort_later(self) -> None:
        """Closing waits for a client that may take nothing any more: not for good."""
        self.loop.call_later(limits.CLOSED_WITHIN, self.transport.abort)

    @property
    def _answered(self) -> bool:
        """Whether the handshake has been accepted or refused."""
        return self.handshake_complete or self.initial_response is not None

    def _refuse(self, refusal: Refusal) -> None:
        if self._answered or self.transport.is_closing():
            return
        self._refused = self.handshake_complete = self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        path = self._head.target.decode("latin-1").partition("?")[0]
        self.transport.write(raw_refusal(refusal, path))
        self.transport.write_eof()
        self._frames_in_turns.begin()  # which read what is refused, and drop it
        # A socket closed with bytes unread is reset, and the reset can overtake the refusal.
        self.close_timer = self.loop.call_later(limits.LINGER, self.transport.close)
