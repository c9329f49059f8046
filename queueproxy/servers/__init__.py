"""The ASGI servers the front runs under; each module has `run`. Imported when chosen: Daphne
installs a Twisted reactor as it is imported."""

import socket
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from ..asgi_types import ASGIApplication
from ..front.http.access_log import is_on, logged, turn_on
from ..front.http.refusals import Refusal
from .common.open_connections import allow_open_files

_PACKAGES = {"daphne": ("daphne",), "uvicorn": ("uvicorn", "httptools")}
SERVERS = tuple(_PACKAGES)
HOW_TO_INSTALL = {
    "daphne": "pip install queueproxy",
    "uvicorn": "pip install 'queueproxy[uvicorn]'",
}


def available(server: str) -> bool:
    """Whether the server's packages are installed."""
    return all(find_spec(package) is not None for package in _PACKAGES[server])


def run(
    server: str,
    app: ASGIApplication,
    listening: socket.socket,
    *,
    graceful_timeout: float,
    on_draining: Callable[[], None],
    on_refused: Callable[[Refusal], None] = lambda refusal: None,
    access_log: bool = False,
) -> bool:
    """Serve until SIGTERM or SIGINT, then drain and return. Call it in the main thread.

    To drain is to say so, to close the listening socket (a second front that shares it takes
    over), and to finish what is held. A second signal ends that at once.

    Args:
        server: one of `SERVERS`.
        app: an ASGI application.
        listening: bound and listening; closed here.
        graceful_timeout: most seconds that held requests may take; then they get 502.
        on_draining: called as draining begins.
        on_refused: called with each answer that the server gives itself to what it has not read.
        access_log: whether each answer is logged, as by `front.http.access_log`; so also where
            its logger has been given a level.

    Returns:
        Whether a second signal ended it before all was answered.
    """
    if access_log:
        turn_on()
    if is_on():
        app = logged(app)
    allow_open_files()
    return _run_of(server)(
        app,
        listening,
        graceful_timeout=graceful_timeout,
        on_draining=on_draining,
        on_refused=on_refused,
    )


def _run_of(server: str) -> Callable[..., bool]:
    found: Callable[..., bool] = import_module(f".{server}.server", __package__).run
    return found
