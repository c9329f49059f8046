"""The front under uvicorn, drained without a lost connection.

uvicorn forgets that a client may be about to send on a connection it closes as idle when it stops.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import uvicorn

from ...asgi_types import ASGIApplication, Receive, Scope, Send
from ...front.http.refusals import Refusal
from ..common.ending import Unfinished, end_badly
from ..common.limits import LAST_REQUESTS_WITHIN, MAX_MESSAGE
from ..common.signals import on_stop_signals
from ..common.waiting import until
from ..common.websockets import guard as guard_websockets
from ..foreign_server import reset
from .cycle import Cycle
from .protocol import FrontState, Protocol


class DrainingUvicorn(uvicorn.Server):
    """Drains without a lost connection, and leaves the signals as they were."""

    server_state: FrontState

    def __init__(
        self,
        config: uvicorn.Config,
        on_draining: Callable[[], None],
        on_refused: Callable[[Refusal], None],
    ):
        super().__init__(config)
        self.server_state = FrontState(on_refused)
        self._on_draining = on_draining

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with on_stop_signals(asyncio.get_running_loop(), self._stop):
            yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_draining()
        self.server_state.draining = True
        open_now: list[asyncio.Server | socket.socket] = [*self.servers, *(sockets or [])]
        for listening in open_now:
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


def guard(app: ASGIApplication) -> ASGIApplication:
    """Wrap the application, so that every answer it leaves unfinished has an end."""
    app = guard_websockets(app)

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        cycle: Cycle = send.__self__  # type: ignore[attr-defined]  # its method
        try:
            await app(scope, receive, send)
            if cycle.response_complete or cycle.disconnected:
                return
            raise Unfinished
        except (Exception, asyncio.CancelledError) as error:
            if not cycle.disconnected:
                started = cycle.response_started
                await end_badly(error, scope, send, started=started, cut=partial(_cut, cycle))

    return guarded


def _cut(cycle: Cycle, at_once: bool) -> None:
    if cycle.response_complete and not at_once:
        return
    cycle.disconnected = True  # what is sent from now on goes nowhere
    # HTTP/1.0 can't see that the last chunk is missing.
    if at_once or cycle.scope["http_version"] == "1.0":
        reset(cycle.transport)
    else:
        cycle.transport.close()


def run(
    app: ASGIApplication,
    listening: socket.socket,
    *,
    graceful_timeout: float,
    on_draining: Callable[[], None],
    on_refused: Callable[[Refusal], None],
) -> bool:
    """Serve; see the package's `run`."""
    _share_log()
    config = uvicorn.Config(
        guard(app),
        http=Protocol,
        ws=_websocket(),
        ws_max_size=MAX_MESSAGE,
        lifespan="auto",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # TRUSTED_PROXIES decides
        server_header=False,
        date_header=False,  # the front's
        timeout_graceful_shutdown=graceful_timeout,  # type: ignore[arg-type]  # a fraction does
    )
    server = DrainingUvicorn(config, on_draining, on_refused)
    server.run(sockets=[listening])
    return server.force_exit


def _websocket() -> type | str:
    """What speaks websockets; nothing where its package is missing, and then they are 501."""
    if find_spec("websockets") is None:
        return "none"
    from .websocket import WebSocket

    return WebSocket


def _share_log() -> None:
    """uvicorn logs where queueproxy does."""
    for handler in logging.getLogger("queueproxy").handlers:
        logging.getLogger("uvicorn").addHandler(handler)
