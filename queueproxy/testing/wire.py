"""Takes requests and answers over the wire within one process: encoded, signed, decoded.

What a test looks at and no wire carries is left on the executed response: its class,
``wsgi_request``, templates and contexts. Status, headers, cookies and body are always those that
came over the wire.
"""

from collections.abc import AsyncIterator, Callable
from http.cookies import SimpleCookie
from itertools import count
from typing import Any

import msgspec.structs
from django.http import HttpResponseBase
from django.http.response import ResponseHeaders

from ..broker.claims import Claim
from ..envelopes import Codec, Envelope, Frame, RequestHead, encoded_head
from ..exceptions import BadResponse
from ..signing import WIRE_VERSION, digest_of

# Told of each request, once it has come over the wire.
Seen = Callable[[RequestHead], None]

CODEC = Codec(["a secret of tests within one process"], "testing")
_numbers = count(1)


def envelope_of(head: RequestHead, body: bytes) -> Envelope:
    """Send a request over the wire; its ids are numbered here."""
    number = next(_numbers)
    head = msgspec.structs.replace(head, id=f"{number}", request_id=f"test-{number}")
    raw, signature = CODEC.sign_request(encoded_head(head), 1, digest_of(body), len(body))
    return CODEC.decode_request(WIRE_VERSION, raw, body, signature)


def claim_of(head: RequestHead) -> Claim:
    """Make the claim of a request that nobody has enqueued."""
    return Claim(head.id, head.queue, "1-1", 1, 0, WIRE_VERSION, b"", b"", b"", head.front, 1)


def request_head(
    *,
    method: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    scheme: str,
    http_version: str,
    client: tuple[str, int],
    server: tuple[str, int],
    body: bytes,
    root_path: str = "",
) -> RequestHead:
    """Make a head as a front would, for what a test client sends."""
    return RequestHead(
        id="",
        request_id="",
        method=method,
        path=path,
        query=query,
        headers=headers,
        scheme=scheme,
        http_version=http_version,
        front="front",
        queue="default",
        hold_ms=60_000,
        max_attempts=1,
        sent=0,
        root_path=root_path,
        client=client,
        server=server,
        body_size=len(body),
    )


class Wire:
    """The broker of one answer: takes its frames over the wire, puts them together beyond it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.aborted = False

    def push(self, frame: Frame) -> None:
        """Take one frame."""
        raw, signature = CODEC.encode_reply(frame)
        come = CODEC.decode_reply(WIRE_VERSION, raw, frame.body, signature)
        if come.head.seq == 0:
            self.status, self.headers = come.head.status, come.head.headers
        self.body += come.body
        self.aborted = self.aborted or come.head.aborted

    def see_that_it_is_whole(self, head: RequestHead) -> None:
        """Do nothing where all of the answer has come.

        Raises:
            BadResponse: its stream broke off, which its client would see.
        """
        if self.aborted:
            raise BadResponse(
                f"{head.method} {head.path}: the streamed answer broke off; the log of "
                "queueproxy.worker tells why."
            )


def unsendable(head: RequestHead, outcome: str) -> BadResponse:
    """Make the error for an answer of which no last frame came; a real client gets 502."""
    return BadResponse(
        f"{head.method} {head.path}: no answer that can be sent ({outcome}); "
        "the log of queueproxy.worker tells why."
    )


def dressed(response: HttpResponseBase, wire: Wire) -> HttpResponseBase:
    """Return the executed response with all that a client sees replaced by what the wire brought.

    A stream's body is its whole by then.
    """
    response.status_code = wire.status
    response.headers = ResponseHeaders({})
    response.cookies = SimpleCookie()
    for name, value in wire.headers:
        if name == "Set-Cookie":
            response.cookies.load(value)
        else:
            response.headers[name] = value
    for morsel in response.cookies.values():
        if morsel["max-age"]:
            morsel["max-age"] = int(morsel["max-age"])
    body: Any = response  # which one of either kind has in its own way
    if response.streaming:
        body.streaming_content = _again(wire.body) if body.is_async else [wire.body]
    else:
        body.content = wire.body
    return response


async def _again(body: bytes) -> AsyncIterator[bytes]:
    yield body
