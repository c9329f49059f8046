"""One websocket under Daphne.

Daphne keeps whatever a client sends until its application takes it, and writes whatever that sends,
however slowly the client reads; here each waits for the other.
"""

import asyncio
from functools import partial

from daphne.server import Server, twisted_loop
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from ...asgi_types import Message, Scope
from ...front.http.refusals import Refusal
from ..common import limits
from ..common.ending import raw_refusal
from ..common.in_turns import InTurns
from ..common.websockets import RESTART, TOO_BIG

_REASON_BYTES = 123  # at most, of a close frame (RFC 6455, 5.5)


class WebSocket(WebSocketProtocol):
    """Daphne's websocket, bounded, whose refusals look like the front's others."""

    def __init__(self) -> None:
        super().__init__()
        self.application_queue: asyncio.Queue[Message] = asyncio.Queue()
        self.writable = asyncio.Event()  # replaced by the connection's own
        self._reading = True
        parse = super().dataReceived
        self._frames_in_turns = InTurns(twisted_loop, parse, self._pause, self._resume)
        self._fragments = 0  # of the message that is coming

    def dataReceived(self, data: bytes) -> None:
        """Take what has come, and keep it until the handshake is answered (RFC 6455, 4.1)."""
        if self.state == self.STATE_CONNECTING and not hasattr(self, "handshake_deferred"):
            super().dataReceived(data)
        else:
            self._frames_in_turns.feed(data)

    def onOpen(self) -> None:
        super().onOpen()
        self._frames_in_turns.begin()

    async def receive(self) -> Message:
        """Do what ``receive`` of ASGI does."""
        message = await self.application_queue.get()
        self._regulate()
        return message

    def onMessageBegin(self, isBinary: bool) -> None:
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self._fragments += 1
        if self._fragments > limits.MAX_FRAGMENTS and not self.failedByMe:
            self._fail_connection(TOO_BIG, "The message has too many fragments.")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        self._regulate()

    def _regulate(self) -> None:
        """Read while the application keeps up."""
        keeps_up = self.application_queue.qsize() < limits.MESSAGES_AHEAD
        if keeps_up == self._reading:
            return
        self._reading = keeps_up
        if not keeps_up:
            self._pause()
        elif not self._frames_in_turns.busy:
            self._resume()

    def _pause(self) -> None:
        self.transport.pauseProducing()

    def _resume(self) -> None:
        if self._reading:
            self.transport.resumeProducing()

    def handle_reply(self, message: Message) -> None:
        """Do what the application says, and nothing where the websocket is closing.

        As an exception, which Autobahn raises then, it would end a consumer of Channels before
        that is told of the end, and its groups would keep it.
        """
        kind = message["type"]
        if self.state == self.STATE_CONNECTING:
            if kind == "websocket.accept":
                self._accept(message)
            elif kind == "websocket.close":
                self.serverReject()
            else:
                raise ValueError(f"{kind!r} before the websocket is accepted.")
        elif self.state == self.STATE_OPEN:
            if kind == "websocket.send":
                data = message.get("bytes")
                binary = data is not None
                self.sendMessage(data if binary else message["text"].encode(), binary)
            elif kind == "websocket.close":
                self.serverClose(message.get("code"), message.get("reason") or "")
            else:
                raise ValueError(f"{kind!r} on an open websocket.")

    def _accept(self, message: Message) -> None:
        headers: dict[str, list[str]] = {}
        for name, value in message.get("headers", ()):
            if b"\r" in value or b"\n" in value:
                raise ValueError("A header contains a line break.")
            headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        handshake = self.handshake_deferred
        del self.handshake_deferred
        handshake.callback((message.get("subprotocol"), headers))

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self.writable.set()
        self._frames_in_turns.end()
        super().onClose(wasClean, code, reason)

    def serverClose(self, code: int | None = None, reason: str = "") -> None:
        """Close with any code; Autobahn's own ``sendClose`` knows but a few."""
        text = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        self.sendCloseFrame(code=code or 1000, reasonUtf8=text.encode())

    def drain(self) -> None:
        """Tell the client to connect anew, to another front; refuse it where it is not open."""
        if self.state == self.STATE_OPEN:
            self.serverClose(RESTART)
        elif self.state == self.STATE_CONNECTING and hasattr(self, "handshake_deferred"):
            self.serverReject()

    def sendHttpErrorResponse(
        self, code: int, reason: object, responseHeaders: object = None
    ) -> None:
        detail = "".join(letter if " " <= letter <= "~" else " " for letter in str(reason))
        refusal = Refusal(int(code), "http_request_denied", f"No websocket: {detail}", close=True)
        path = getattr(self, "http_request_path", "")
        self.sendData(raw_refusal(refusal, path))


class WebSocketServer(Server):
    """Daphne's server, whose bookkeeping is for websockets alone."""

    def websocket_factory(self) -> WebSocketFactory:
        """Make what makes a protocol for each websocket."""
        factory = WebSocketFactory(self, server=self.server_name)
        factory.protocol = WebSocket
        factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=0,  # `ACCEPTED_WITHIN` has an answer
            failByDrop=False,  # say why first
            closeHandshakeTimeout=limits.CLOSED_WITHIN,
            maxMessagePayloadSize=limits.MAX_MESSAGE,
            maxFramePayloadSize=limits.MAX_MESSAGE,
        )
        return factory

    def create_application(self, protocol: WebSocket, scope: Scope) -> asyncio.Queue[Message]:
        """Run the application on a websocket; return the queue of what it receives."""
        scope.setdefault("asgi", {"version": "3.0"})
        conversation = self.application(
            scope, protocol.receive, partial(self.handle_reply, protocol)
        )
        task = twisted_loop.create_task(conversation)
        self.connections[protocol]["application_instance"] = task
        return protocol.application_queue

    async def handle_reply(self, protocol: WebSocket, message: Message) -> None:
        """Do what ``send`` of ASGI does for a websocket; return when there is room for more."""
        await asyncio.sleep(0)  # what does nothing but send must let others run
        await super().handle_reply(protocol, message)
        await protocol.writable.wait()

    def protocol_connected(self, protocol: object) -> None:
        if isinstance(protocol, WebSocket):
            super().protocol_connected(protocol)

    def protocol_disconnected(self, protocol: object) -> None:
        if isinstance(protocol, WebSocket):
            super().protocol_disconnected(protocol)

    def talking(self) -> list[asyncio.Task[None]]:
        """List the applications of websockets that have not come to their end."""
        tasks = [details.get("application_instance") for details in self.connections.values()]
        return [task for task in tasks if task and not task.done()]
