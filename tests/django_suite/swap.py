"""Replaces ClientHandler.__call__ by the way a request takes here, bytes and all.

environ -> request envelope -> bytes -> decode -> our executor -> reply frames -> bytes -> decode.
What a test looks at and no wire carries is attached from the executed response afterwards: its
class, ``wsgi_request``, templates and contexts (signals), raised exceptions. Status, headers,
cookies and body are always those that came over the wire.
"""

import os
from contextlib import nullcontext
from http.cookies import SimpleCookie
from urllib.parse import quote_from_bytes

from django.core import signals
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http.response import ResponseHeaders
from django.test.client import ClientHandler

from queueproxy.broker.claims import Claim
from queueproxy.envelopes import (
    WIRE_VERSION,
    Codec,
    Envelope,
    Frame,
    RequestHead,
    encoded_head,
)
from queueproxy.exceptions import BadResponse
from queueproxy.signing import digest_of
from queueproxy.worker.executor import Executor, keeping_handler
from queueproxy.worker.reply import WINDOW, Reply
from queueproxy.worker.view_watch import ViewClock

CODEC = Codec(["the wire of Django's tests"], "django-suite")
# Made anew on the other side, or never of the client's making.
_DERIVED = {
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "PATH_INFO",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
}


def install(counter: str) -> None:
    """Put both swaps in; each request adds a byte to the file `counter`."""
    from . import async_swap  # which uses what stands here

    def count():
        descriptor = os.open(counter, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b".")
        os.close(descriptor)

    def call(self, environ):
        count()
        return _call(self, environ)

    ClientHandler.__call__ = call
    async_swap.install(count)


def _watched_handler() -> WSGIHandler:
    """Our handler, with the stock client's CSRF flag and an eye on what it made."""
    handler = keeping_handler()
    keep_response = handler.get_response

    def get_response(request: WSGIRequest):
        request._dont_enforce_csrf_checks = not handler.enforce_csrf_checks
        request.environ.update(handler.not_carried)
        response = keep_response(request)
        response.wsgi_request = request
        handler.executed = response
        return response

    handler.get_response = get_response
    return handler


class _Client:
    def __init__(self, handler: WSGIHandler):
        self._handler = handler

    def request(self, environ, start_response):
        return self._handler(environ, start_response)


class _Executor(Executor):
    """Ours, but what is raised around views goes to the test, as from the stock handler."""

    def __init__(self, handler: WSGIHandler):
        self._client = _Client(handler)

    def _failed(self, environ, responses):
        raise


class _Flow:
    """A client that takes all at once, for as long as it comes."""

    streams_end = False

    def wait_for_client(self, registration: str, beyond: int, timeout: float, *, ends: bool) -> int:
        return beyond + WINDOW

    def watch_client(self, registration: str, end, *, ends: bool):
        return nullcontext()


class Wire:
    """The broker of one answer: takes its frames over the wire, puts them together beyond it."""

    def __init__(self):
        self.status = 0
        self.headers: list = []
        self.body = b""
        self.aborted = False

    def push(self, claim: Claim, frame: Frame) -> bool:
        raw, signature = CODEC.encode_reply(frame)
        come = CODEC.decode_reply(WIRE_VERSION, raw, frame.body, signature)
        if come.head.seq == 0:
            self.status, self.headers = come.head.status, come.head.headers
        self.body += come.body
        self.aborted = self.aborted or come.head.aborted
        return True

    @property
    def flow(self):
        return _Flow()


def _answer(executor: _Executor, envelope: Envelope, wire: Wire) -> None:
    """Respond, send and close, as an executor thread does."""
    head = envelope.head
    claim = Claim(head.id, head.queue, "1-1", 1, 0, WIRE_VERSION, b"", b"", b"", head.front, 1)
    reply = Reply(wire, claim, head, ViewClock(0))
    exchange = executor.respond(envelope)
    try:
        settlement = reply.send(exchange)
        if settlement.frame is None:
            raise BadResponse(settlement.outcome)
        wire.push(claim, settlement.frame)
    finally:
        # As the stock handler: no connection of the test's is closed under it.
        signals.request_finished.disconnect(close_old_connections)
        exchange.close()
        signals.request_finished.connect(close_old_connections)


def _call(stock: ClientHandler, environ: dict):
    if stock._middleware_chain is None:
        stock.load_middleware()  # marks it as loaded, as tests expect
    handler = getattr(stock, "_swapped", None)
    if handler is None:
        handler = stock._swapped = _watched_handler()
    handler.enforce_csrf_checks = stock.enforce_csrf_checks
    head, body = _envelope(environ)
    handler.not_carried = {
        name: value
        for name, value in environ.items()
        if value is None
        or (name not in _DERIVED and not name.startswith("HTTP_") and name != "wsgi.input")
    }
    raw, signature = CODEC.sign_request(encoded_head(head), 1, digest_of(body), len(body))
    envelope = CODEC.decode_request(WIRE_VERSION, raw, body, signature)
    wire = Wire()
    signals.request_started.disconnect(close_old_connections)
    try:
        _answer(_Executor(handler), envelope, wire)
    finally:
        signals.request_started.connect(close_old_connections)
    return dressed(handler.executed, wire)


def _envelope(environ: dict) -> tuple[RequestHead, bytes]:
    headers = []
    for name, value in environ.items():
        if value is None:  # a test's way to say that there is none
            continue
        if name.startswith("HTTP_"):
            headers.append((name[5:].replace("_", "-").lower(), str(value)))
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH") and str(value):
            headers.append((name.replace("_", "-").lower(), str(value)))
    stream = environ["wsgi.input"]
    length = len(stream) if hasattr(stream, "__len__") else int(environ.get("CONTENT_LENGTH") or 0)
    body = stream.read(length) if length else b""
    root = environ.get("SCRIPT_NAME", "")
    path = quote_from_bytes(
        (root.rstrip("/") + environ.get("PATH_INFO", "/")).encode("latin-1"), "/"
    )
    head = RequestHead(
        id="id",
        request_id="request-id",
        method=environ["REQUEST_METHOD"],
        path=path,
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        scheme=environ["wsgi.url_scheme"],
        http_version=environ.get("SERVER_PROTOCOL", "HTTP/1.1").rpartition("/")[2],
        front="front",
        queue="default",
        hold_ms=60_000,
        max_attempts=1,
        sent=0,
        root_path=root.encode("latin-1").decode(),
        client=(environ.get("REMOTE_ADDR", ""), 0),
        server=(environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        body_size=len(body),
    )
    return head, body


async def _again(body: bytes):
    yield body


def dressed(response, wire: Wire):
    """The executed response, with all that a client sees replaced by what the wire brought."""
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
    if response.streaming:
        response.streaming_content = _again(wire.body) if response.is_async else [wire.body]
    else:
        response.content = wire.body
    return response
