"""The raw side of the corpus: sends a case piece by piece, and reads every answer there is."""

import json
import socket
from collections.abc import Sequence
from typing import NamedTuple

from ..integration.serving import PATIENCE, Client

PROBE = b"GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class Case(NamedTuple):
    """What is sent on one connection, and what must come back on it.

    ``answers`` are in order: a line stands for a request that was run, and is its answer; a
    number for a request that was refused with that status and not run.
    """

    name: str
    pieces: tuple[bytes, ...]
    answers: tuple[str | int, ...]
    closes: bool  # whether the server closes after them; else the connection must go on
    leaves: bool = False  # whether the client ends its side after the last piece

    @property
    def runs(self) -> list[str]:
        return [answer for answer in self.answers if isinstance(answer, str)]


class Answer(NamedTuple):
    """A response as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def short(self) -> str | int:
        return self.body.decode("latin-1") if self.status == 200 else self.status


TURNS = 3  # of the server's event loop, at least: an answer takes one or more


class Bystander:
    """A second connection, on which all is well."""

    def __init__(self, address):
        self._client = Client(address)

    def ask(self, path: str) -> bytes:
        return self._client.get(path).reply().body

    def runs(self) -> list[str]:
        """What was run since it was asked last."""
        return json.loads(self.ask("/runs"))

    def close(self) -> None:
        self._client.close()


def converse(address, case: Case, bystander: Bystander) -> list[Answer]:
    """Everything that comes back to a case; where it must not end the connection, to a probe too.

    Between two pieces the bystander is answered a few times: meanwhile the server has accepted
    the connection, read the first, and let the application say at once what it has to say.
    """
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pieces = case.pieces if case.closes else (*case.pieces, PROBE)
        try:
            for number, piece in enumerate(pieces):
                for _ in range(TURNS if number else 0):
                    bystander.ask("/ping")
                connection.sendall(piece)
            if case.leaves:
                connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it has had enough; what it said is read below
        return parse(received(connection))


def received(connection: socket.socket) -> bytes:
    """Every byte up to the end."""
    parts = []
    try:
        while part := connection.recv(1 << 20):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def parse(raw: bytes) -> list[Answer]:
    """The responses in a byte string, which must be made of nothing else."""
    answers = []
    while raw:
        head, end, raw = raw.partition(b"\r\n\r\n")
        assert end, f"not a response: {head[:200]!r}"
        line, *fields = head.decode("latin-1").split("\r\n")
        version, status, *_ = line.split(" ")
        assert version in ("HTTP/1.1", "HTTP/1.0"), line
        headers = [tuple(field.split(": ", 1)) for field in fields]
        headers = [(name.lower(), value) for name, value in headers]
        body, raw = _body(dict(headers), raw, int(status))
        answers.append(Answer(int(status), headers, body))
    return answers


def _body(headers: dict, raw: bytes, status: int) -> tuple[bytes, bytes]:
    if status in (100, 204, 304):
        return b"", raw
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            size, _, raw = raw.partition(b"\r\n")
            length = int(size, 16)
            body, raw = body + raw[:length], raw[length + 2 :]
            if not length:
                return body, raw
    if "content-length" in headers:
        length = int(headers["content-length"])
        assert len(raw) >= length, "a body cut short"
        return raw[:length], raw[length:]
    return raw, b""  # to the end of the connection


def shorts(answers: Sequence[Answer]) -> list[str | int]:
    """As `Case.answers` has them, without the interim ones."""
    return [answer.short for answer in answers if answer.status != 100]
