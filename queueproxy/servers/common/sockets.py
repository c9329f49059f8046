"""Opens the socket the front listens on."""

import contextlib
import os
import re
import select
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...exceptions import CannotListen

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
BACKLOG = 2048
FIRST_PASSED_FD = 3  # sd_listen_fds(3)
# Bytes of a connection that the kernel keeps beyond what is on its way to the client (tcp(7)).
# Without a limit it takes megabytes, and says that there is room again when a third is free: so it
# could not be seen for minutes whether a slow client takes anything.
UNSENT = 64 * 1024

_LEFT = getattr(select, "POLLRDHUP", 0)  # Linux tells of a FIN behind what is not read yet

_ADDRESS = re.compile(r"(?:(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:]*)):)?(?P<port>[0-9]{1,5})")


def bind(address: str = "", *, fd: int | None = None, reuse_port: bool = False) -> socket.socket:
    """Open a listening socket.

    Args:
        address: ``port``, ``host:port``, ``[ipv6]:port`` or ``unix:/path``; as runserver's.
        fd: take over this inherited socket instead; so also with systemd's socket activation.
        reuse_port: let a second front listen on the same address (SO_REUSEPORT).

    Raises:
        CannotListen: with one line that says why.
    """
    inherited = fd if fd is not None else _activated()
    if inherited is not None:
        adopted = _adopt(inherited)
        _limit_unsent(adopted)
        return adopted
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        _remove_stale(path)
        listening = _listen(socket.AF_UNIX, path, address, [])
        os.chmod(path, 0o666)  # as the servers themselves do: a proxy has a user of its own
        return listening
    host, port = parse(address)
    options = [socket.SO_REUSEADDR, *([socket.SO_REUSEPORT] if reuse_port else [])]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = _listen(family, (host, port), f"{host}:{port}", options)
    _limit_unsent(listening)
    return listening


def parse(address: str) -> tuple[str, int]:
    """Host and port of ``[addr:]port``; the defaults where it is empty.

    Raises:
        CannotListen: it is neither.
    """
    if not address:
        return DEFAULT_HOST, DEFAULT_PORT
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        raise CannotListen(f"{address!r} is not a port or an address and a port.")
    return match["v6"] or match["host"] or DEFAULT_HOST, int(match["port"])


def describe(listening: socket.socket) -> str:
    """Word the socket's address as people write it."""
    name = listening.getsockname()
    if isinstance(name, (str, bytes)):
        return f"unix:{os.fsdecode(name)}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"


def has_left(fd: int) -> bool:
    """Whether the peer has closed, as far as that shows while its bytes wait to be read."""
    poll = select.poll()
    poll.register(fd, _LEFT)
    return bool(poll.poll(0))  # a reset or a hang-up always counts


def _limit_unsent(listening: socket.socket) -> None:
    """Set UNSENT for all connections that will be accepted, where there is such a limit."""
    if listening.family != socket.AF_UNIX and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)


def _activated() -> int | None:
    started_with = _environment_at_start()
    passed = started_with.get("LISTEN_FDS", "0")
    if started_with.get("LISTEN_PID") == str(os.getpid()) and passed != "0":
        return FIRST_PASSED_FD
    return None


def _environment_at_start() -> Mapping[str, str]:
    """What this process was given; Twisted deletes LISTEN_FDS as Daphne, an installed app, loads it
    (twisted.python.systemd)."""
    if "LISTEN_FDS" in os.environ:
        return os.environ
    try:
        given = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:  # no Linux, hence no systemd
        return {}
    return dict(os.fsdecode(one).split("=", 1) for one in given if b"=" in one)


def _adopt(fd: int) -> socket.socket:
    try:
        adopted = socket.socket(fileno=fd)
    except OSError as error:
        raise CannotListen(f"Descriptor {fd} is not a socket to listen on.") from error
    try:
        adopted.listen(BACKLOG)
    except OSError as error:
        adopted.detach()  # not ours to close
        raise CannotListen(f"Descriptor {fd} is not a socket to listen on.") from error
    return adopted


def _listen(
    family: int, where: str | tuple[Any, ...], name: str, options: list[int]
) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            listening.setsockopt(socket.SOL_SOCKET, option, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListen(f"Can't listen on {name}: {error.strerror or error}.") from error
    return listening


def _remove_stale(path: str) -> None:
    """Remove the socket a dead process left at `path`; a live one, or any other file, stays."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
