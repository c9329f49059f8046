"""A client that sends the bytes it is given and reads an answer without polishing it."""

import gzip
import re
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Status, headers in order with lower-case names, body with its framing taken off."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


# What may differ, each explained in docs/behaviour.md under "Headers".
NOT_COMPARED = frozenset(
    (
        "connection",
        "date",
        "keep-alive",
        "server",
        "transfer-encoding",
        "x-request-id",
        "x-worker-pid",
    )
)
# Tokens made anew for each answer, and what tells one process from another.
_RANDOM = re.compile(
    rb'(csrfmiddlewaretoken" value=")[^"]+|(csrftoken=)[^;]+|(sessionid=)[^;]+|(expires=)[^;]+'
    rb"|(process(?: <[a-z]+>)? ?)\d+"
)
# Django's page for an exception in debug mode shows the frames of whatever handler ran the view,
# its META and its process; title and exception stand before that.
_TECHNICAL = re.compile(rb"<table class=\"meta\">.*DEBUG = True.*", re.DOTALL)


def exchange(port: int, raw: bytes) -> Answer:
    """Send one request, read to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(raw)
        data = b""
        while piece := connection.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    headers = [_header(line) for line in lines[1:]]
    if ("transfer-encoding", "chunked") in headers:
        body = _dechunk(body)
    return Answer(int(lines[0].split()[1]), tuple(headers), body)


def comparable(answer: Answer) -> tuple:
    """The answer without what may differ, and with random tokens blanked.

    Lengths and tags of a body with such tokens in it are checked against the body, then left out.
    """
    names = dict(answer.headers)
    body = answer.body
    if names.get("content-encoding") == "gzip" and body:
        body = gzip.decompress(body)  # with a random length of padding from Django
    blanked = _TECHNICAL.sub(b"", _blank(body))
    compressed = "content-encoding" in names
    varies = blanked != body or compressed
    if "content-length" in names and answer.body:
        assert int(names["content-length"]) == len(answer.body)
    headers = sorted(
        (name, b"" if name == "expires" else _blank(value.encode("latin-1")))  # a clock's
        for name, value in answer.headers
        if name not in NOT_COMPARED
        and not (varies and name in ("content-length", "etag"))
        and not (name == "content-length" and int(value) == len(answer.body))  # framing only
    )
    return answer.status, headers, blanked


def _blank(data: bytes) -> bytes:
    return _RANDOM.sub(lambda found: next(group for group in found.groups() if group), data)


def _header(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.lower(), value.strip()


def _dechunk(body: bytes) -> bytes:
    whole = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            return whole
        whole, body = whole + body[:length], body[length + 2 :]
