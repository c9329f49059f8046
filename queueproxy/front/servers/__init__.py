"""The ASGI servers the front runs under; each module has `run`. Imported when chosen: Daphne
installs a Twisted reactor as it is imported."""

import socket
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

SERVERS = ("daphne", "uvicorn")


def available(server: str) -> bool:
    """Whether the server's package is installed."""
    return find_spec(server) is not None


def run(server: str, app: Callable, listening: socket.socket, **options) -> None:
    """Serve `app` on `listening` until told to stop; options as in the servers' modules."""
    import_module(f".{server}", __package__).run(app, listening, **options)
