"""Ports for the servers of the tests."""

import secrets
import socket

# Below those the kernel gives to clients (ip_local_port_range): between the look and the start of
# the server one of them may be taken by any connection on the machine.
FIRST, LAST = 15_000, 32_000


def free_port() -> int:
    """A port nobody listens on now."""
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
