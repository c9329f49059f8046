"""Whether somebody listens, and what they answer, by no more than the standard library."""

import http.client
import socket
from typing import NamedTuple

HOST = "127.0.0.1"


class Answer(NamedTuple):
    """What came back: the status, 0 where nobody answered, and the body."""

    status: int
    body: str


def get(port: int, path: str, timeout: float = 5.0) -> Answer:
    """GET on loopback."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode())
    except (OSError, http.client.HTTPException):
        return Answer(0, "")
    finally:
        connection.close()


def listens(port: int) -> bool:
    """Whether somebody takes connections on this port of loopback."""
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True
