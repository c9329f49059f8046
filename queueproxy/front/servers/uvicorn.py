"""The front under uvicorn."""

import socket
from collections.abc import Callable

import uvicorn

MAX_HEADERS = 64 * 1024  # bytes; uvicorn answers 400 past it


class DrainingServer(uvicorn.Server):
    """Says that it drains before it stops to listen."""

    def __init__(self, config: uvicorn.Config, on_draining: Callable[[], None]):
        super().__init__(config)
        self._on_draining = on_draining

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_draining()
        await super().shutdown(sockets)


def run(
    app: Callable,
    listening: socket.socket,
    *,
    max_body: int,
    graceful_timeout: float,
    on_draining: Callable[[], None],
    access_log: bool,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is held, at most `graceful_timeout` seconds.

    ``max_body`` is not needed here: the body is read as the front asks for it.
    """
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_level="info" if access_log else "warning",
        access_log=access_log,
        proxy_headers=False,  # TRUSTED_PROXIES decides
        server_header=False,
        date_header=False,  # the front's
        h11_max_incomplete_event_size=MAX_HEADERS,
        timeout_graceful_shutdown=max(1, round(graceful_timeout)),
        ws="none",
    )
    DrainingServer(config, on_draining).run(sockets=[listening])
