"""HTTP connections under uvicorn, read by our own reader.

uvicorn's own protocol takes trailers for headers, starts nothing of what it was sent ahead but
keeps all of it, tells only the newest request of a connection that it is gone, and answers what
it can't read ahead of the requests before.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from ...front.http import refusals
from ..common.ending import raw_refusal
from ..common.head import Head, http_scope
from ..common.incoming import Incoming
from ..common.open_connections import OpenConnections
from ..common.reader import RequestReader
from ..common.websockets import handshake_refusal
from .cycle import Cycle
from .transport import GentleClose, OneWrite, ReadableProtocol

if TYPE_CHECKING:
    from .websocket import WebSocket


class FrontState(ServerState):
    """What the connections of one server have in common.

    Attributes:
        on_refused: as of `servers.run`.
        draining: the server takes no new requests.
        opened: what all HTTP connections cost.
        websockets: those that are open.
    """

    connections: set[Any]  # of `Protocol`, which is none of those that uvicorn's type lists

    def __init__(self, on_refused: Callable[[refusals.Refusal], None]) -> None:
        super().__init__()
        self.on_refused = on_refused
        self.draining = False
        self.opened = OpenConnections()
        self.websockets: set[WebSocket] = set()


class Protocol(ReadableProtocol):
    """One connection.

    Args:
        config: of the server.
        server_state: the server's.
        app_state: what the lifespan has left for the requests.
        _loop: the server's event loop; named so by uvicorn.
    """

    def __init__(
        self,
        config: Config,
        server_state: FrontState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ):
        self.config = config
        self.server_state = server_state
        self.app_state = app_state
        self.loop = _loop or asyncio.get_running_loop()
        self._reader = RequestReader(self, server_state.opened, self.loop)
        self._cycle: Cycle | None = None  # None while nothing is asked

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a stream's
        """Begin to read from a client, or refuse it where there is no room."""
        self._raw_transport = transport
        self.transport = OneWrite(transport, self.loop, self.finish)
        self._closing = GentleClose(transport, self.loop)
        self.flow = FlowControl(transport)
        self._client = get_remote_addr(transport)
        self._server = get_local_addr(transport)
        if self.server_state.opened.has_room(len(self.server_state.websockets)):
            self.server_state.connections.add(self)
            self._reader.start()
        else:
            self._reader.stop()
            self.refuse(refusals.TOO_MANY_CONNECTIONS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all parts that the client is gone."""
        self.server_state.connections.discard(self)
        if self._cycle is not None:
            self._cycle.disconnected = True
        self._reader.lost()
        self.transport.lost()
        self.flow.resume_writing()
        self._closing.done()

    def eof_received(self) -> None:
        """Close: a client that sends no more has left what is not answered."""
        if self._cycle is None:
            self.finish()
        else:  # closing alone would wait for it to take what it asked for
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        self._reader.feed(data)

    # The reader's side

    def begin(self, head: Head, incoming: Incoming) -> None:
        """Run the application on a request, or hand the connection over to a websocket."""
        # A WebSocket, or None where its package is missing.
        speaks: Any = self.config.ws_protocol_class
        if speaks is not None and head.asks_for_websocket():
            self._become_websocket(speaks, head)
            return
        scope = http_scope(head, self._client, self._server)
        scope["state"] = self.app_state.copy()
        keep_alive = head.keep_alive and not self.server_state.draining
        self._cycle = Cycle(scope, incoming, keep_alive=keep_alive, connection=self)
        task = self.loop.create_task(self._cycle.run_asgi(self.config.loaded_app))
        task.add_done_callback(self.server_state.tasks.discard)
        self.server_state.tasks.add(task)

    def _become_websocket(self, speaks: "type[WebSocket]", head: Head) -> None:
        stopping = self.server_state.draining
        refusal = refusals.FRONT_STOPPED_UNSENT if stopping else handshake_refusal(head)
        if refusal is not None:
            self._reader.stop()
            self.refuse(refusal, counts=False)
            return
        websockets = self.server_state.websockets
        websocket = speaks(head, self, websockets.discard)
        websockets.add(websocket)
        self.server_state.connections.discard(self)
        self.transport.flush()  # an answer that was asked for before
        websocket.take_over(self._raw_transport, self._reader.hand_over())

    def say_continue(self) -> None:
        """Ask the client for its body."""
        started = self._cycle is None or self._cycle.response_started
        if not started and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def refuse(self, refusal: refusals.Refusal, *, counts: bool = True) -> None:
        """Let a refusal be the last answer of this connection; `counts` not for a websocket."""
        if self.transport.is_closing():
            return
        if self._cycle is not None:
            if self._cycle.response_started:
                self._cycle.keep_alive = False  # it has its answer, and that is the last
                return
            self._cycle.disconnected = True  # the connection answers in its own name
            self._cycle = None
        self.transport.write(raw_refusal(refusal))
        self.finish(linger=True)
        if counts:
            self.server_state.on_refused(refusal)

    # The answer's side

    def answered(self) -> None:
        """Go on to the next request, or close: the answer in hand is complete."""
        cycle, self._cycle = self._cycle, None
        if cycle is None:  # refused meanwhile
            return
        self.server_state.total_requests += 1
        cycle.lose_body()
        if cycle.keep_alive and not self._reader.in_body:
            self._reader.answered()
        else:  # what is left of its body must not be read as a request
            self.finish()

    def finish(self, *, linger: bool = False) -> None:
        """Close when the last answer has gone out.

        Args:
            linger: read on for a moment; so also where more of the client's is under way.
        """
        linger = linger or self._reader.more_is_coming
        self._reader.stop()
        self.transport.flush()
        self._closing.begin(linger=linger)

    def drain(self) -> None:
        """Let the answer in hand, or the next one, be the last of this connection."""
        if self._cycle is not None:
            self._cycle.keep_alive = False

    def shutdown(self) -> None:
        """Close as soon as nothing is asked; called by uvicorn."""
        if self._cycle is None:
            self.finish()
        else:
            self.drain()
