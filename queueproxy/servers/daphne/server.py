"""The front under Daphne."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

from daphne.server import twisted_loop
from twisted.internet import reactor as installed_reactor
from twisted.logger import globalLogBeginner

from ...asgi_types import ASGIApplication, Receive, Scope
from ...front.http.refusals import Refusal
from ..common import limits
from ..common.lifespan import Lifespan
from ..common.open_connections import OpenConnections
from ..common.signals import on_stop_signals
from ..common.waiting import until
from ..common.websockets import guard
from .connection import Channel, Factory
from .request import Request
from .websocket import WebSocket, WebSocketServer

logger = logging.getLogger("queueproxy.front")

reactor: Any = installed_reactor  # has more than any one interface of Twisted promises

FLUSH_WITHIN = 1.0  # seconds that last answers may take to leave


class DrainingDaphne(WebSocketServer):
    """Daphne's server on a given socket, which stops by draining.

    HTTP requests run as tasks of its own.

    Args:
        app: the ASGI application.
        graceful_timeout: as of `run`.
        on_draining, on_refused: as of `run`.
    """

    def __init__(
        self,
        app: ASGIApplication,
        *,
        graceful_timeout: float,
        on_draining: Callable[[], None],
        on_refused: Callable[[Refusal], None],
    ):
        # Daphne insists on endpoints; the socket is here already.
        super().__init__(
            guard(app),
            endpoints=["given"],
            server_name="",
            application_close_timeout=limits.LEFT_WITHIN,
            websocket_connect_timeout=limits.ACCEPTED_WITHIN,
        )
        self.connections: dict[WebSocket, dict[str, Any]] = {}
        self.channels: set[Channel] = set()
        self.opened = OpenConnections()
        self.draining = False
        self._graceful_timeout = graceful_timeout
        self._on_draining = on_draining
        self.on_refused = on_refused
        self._app = app
        self._lifespan = Lifespan(app)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Task[None] | None = None
        self.hurry = False
        self._port: Any = None  # of Twisted, once it listens
        self.failure: Exception | None = None

    def serve(self, listening: socket.socket) -> None:
        """Run until told to stop, and stopped."""
        nowhere: list[Any] = [lambda _: None]  # for Twisted's own log
        globalLogBeginner.beginLoggingTo(nowhere, redirectStandardIO=False, discardBuffer=True)
        self.http_factory = Factory(self)
        self.ws_factory = self.websocket_factory()
        asyncio.set_event_loop(twisted_loop)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        beginning = twisted_loop.create_task(self._begin(listening))
        reactor.run(installSignalHandlers=False)
        beginning.cancel()

    async def _begin(self, listening: socket.socket) -> None:
        try:
            await self._lifespan.start()
            listening.setblocking(False)
            number, family = listening.fileno(), listening.family
            self._port = reactor.adoptStreamPort(number, family, self.http_factory)
            listening.close()  # the reactor has a descriptor of its own
        except Exception as error:
            self.failure = error
            reactor.stop()

    # What requests call

    def start(self, request: Request, scope: Scope, receive: Receive) -> None:
        """Run the application on a request."""
        task = twisted_loop.create_task(request.respond(self._app, scope, receive))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The end

    def stop_gracefully(self) -> None:
        """Drain, then stop. Called again: stop at once."""
        if self._stopping is None:
            self._stopping = twisted_loop.create_task(self._drain())
        else:
            self.hurry = True

    async def _drain(self) -> None:
        try:
            self.draining = True
            self._on_draining()
            await self._stop_listening()
            open_now: list[Channel | WebSocket] = [*self.channels, *self.connections]
            for connection in open_now:
                connection.drain()
            await self._within(limits.LAST_REQUESTS_WITHIN, lambda: not self.channels)
            for channel in [channel for channel in self.channels if channel.idle]:
                channel.loseConnection()
            await self._within(self._graceful_timeout, lambda: not (self._tasks or self.talking()))
            await self._cancel_rest()
            await self._lifespan.stop()
            await self._within(FLUSH_WITHIN, lambda: not self.channels)
        finally:
            reactor.stop()

    async def _stop_listening(self) -> None:
        if self._port is None:
            return
        if hasattr(self._port.getHost(), "host"):
            await self._port.stopListening().asFuture(twisted_loop)
        else:  # would remove the path of a unix socket, which another front may serve by now
            self._port.stopReading()

    async def _within(self, seconds: float, done: Callable[[], bool]) -> None:
        await until(lambda: done() or self.hurry, seconds)

    async def _cancel_rest(self) -> None:
        rest = [*self._tasks, *self.talking()]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=FLUSH_WITHIN)


def run(
    app: ASGIApplication,
    listening: socket.socket,
    *,
    graceful_timeout: float,
    on_draining: Callable[[], None],
    on_refused: Callable[[Refusal], None],
) -> bool:
    """Serve; see the package's `run`."""
    server = DrainingDaphne(
        app, graceful_timeout=graceful_timeout, on_draining=on_draining, on_refused=on_refused
    )
    with on_stop_signals(twisted_loop, server.stop_gracefully):
        server.serve(listening)
    if server.failure is not None:
        raise server.failure
    return server.hurry
