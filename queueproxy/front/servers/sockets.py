"""The socket the front listens on."""

import os
import socket

from ...exceptions import CannotListen

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
BACKLOG = 2048
FIRST_PASSED_FD = 3  # sd_listen_fds(3)


def bind(address: str = "", *, fd: int | None = None, reuse_port: bool = False) -> socket.socket:
    """A listening socket.

    Args:
        address: ``port``, ``host:port``, ``[ipv6]:port`` or ``unix:/path``; as runserver's.
        fd: take over this inherited socket instead; so also with systemd's socket activation.
        reuse_port: let a second front listen on the same address (SO_REUSEPORT).

    Raises:
        CannotListen: with one line that says why.
    """
    inherited = fd if fd is not None else _activated()
    if inherited is not None:
        return _adopt(inherited)
    if address.startswith("unix:"):
        return _bind_unix(address.removeprefix("unix:"))
    host, port = parse(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListen(f"Can't listen on {host}:{port}: {error.strerror}.") from error
    return listening


def parse(address: str) -> tuple[str, int]:
    """Host and port of ``[addr:]port``.

    Raises:
        CannotListen: it is neither.
    """
    host, colon, port = address.rpartition(":")
    if not colon and not port.isdigit():
        host, port = port, str(DEFAULT_PORT)
    host = host.strip("[]") or DEFAULT_HOST
    if not port.isdigit() or int(port) > 65535:
        raise CannotListen(f"{address!r} is not an address and a port.")
    return host, int(port)


def describe(listening: socket.socket) -> str:
    """The socket's address as people write it."""
    name = listening.getsockname()
    if isinstance(name, (str, bytes)):
        return f"unix:{os.fsdecode(name)}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"


def _activated() -> int | None:
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        return FIRST_PASSED_FD
    return None


def _adopt(fd: int) -> socket.socket:
    try:
        adopted = socket.socket(fileno=fd)
        adopted.listen(BACKLOG)
    except OSError as error:
        raise CannotListen(f"Descriptor {fd} is not a socket to listen on.") from error
    return adopted


def _bind_unix(path: str) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(path)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListen(f"Can't listen on unix:{path}: {error.strerror}.") from error
    return listening
