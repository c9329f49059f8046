"""Replaces ClientHandler.__call__ by the way a request takes here, bytes and all.

environ -> request envelope -> bytes -> decode -> our executor -> reply frames -> bytes -> decode.
What a test looks at and no wire carries is attached from the executed response afterwards: its
class, ``wsgi_request``, templates and contexts (signals), raised exceptions. Status, headers,
cookies and body are always those that came over the wire.
"""

import os
from http.cookies import SimpleCookie
from urllib.parse import quote_from_bytes

from django.core import signals
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http.response import ResponseHeaders
from django.test.client import ClientHandler

from queueproxy.envelopes import (
    WIRE_VERSION,
    Codec,
    Frame,
    ReplyHead,
    RequestHead,
    digest_of,
)
from queueproxy.worker.executor import Executor, ExecutorHandler

CODEC = Codec(["the wire of Django's tests"])
FRAME = 256 * 1024  # bytes
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
    """Put the swap in; each request adds a byte to the file `counter`."""

    def call(self, environ):
        descriptor = os.open(counter, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b".")
        os.close(descriptor)
        return _call(self, environ)

    ClientHandler.__call__ = call


class _Handler(ExecutorHandler):
    """Our handler, with the stock client's CSRF flag and an eye on what it made."""

    def get_response(self, request: WSGIRequest):
        request._dont_enforce_csrf_checks = not self.enforce_csrf_checks
        request.environ.update(self.not_carried)
        response = super().get_response(request)
        response.wsgi_request = request
        self.executed = response
        return response


class _Client:
    def __init__(self, handler: _Handler):
        self._handler = handler

    def request(self, **environ):
        return self._handler(environ)


class _Executor(Executor):
    """Ours, but what is raised around views goes to the test, as from the stock handler."""

    def __init__(self, handler: _Handler):
        self._client = _Client(handler)

    def _respond(self, environ):
        return self._client.request(**environ)

    def _close(self, response):
        # As the stock handler: no connection of the test's is closed under it.
        signals.request_finished.disconnect(close_old_connections)
        response.close()
        signals.request_finished.connect(close_old_connections)


class _Wire:
    """Takes what the executor emits over the wire, and puts it together on the other side."""

    def __init__(self, id: str):
        self._id = id
        self._seq = 0
        self.status = 0
        self.headers: list = []
        self.body = b""
        self.aborted = False

    def full(self, status, headers, body):
        self._send(ReplyHead(self._id, 1, self._next(), status, headers), body)

    def start(self, status, headers):
        self._send(ReplyHead(self._id, 1, self._next(), status, headers, more=True), b"")

    def chunk(self, data):
        for at in range(0, len(data), FRAME):
            piece = data[at : at + FRAME]
            self._send(ReplyHead(self._id, 1, self._next(), more=True), piece)

    def end(self):
        self._send(ReplyHead(self._id, 1, self._next()), b"")

    def abort(self):
        self._send(ReplyHead(self._id, 1, self._next(), aborted=True), b"")

    def finish(self, close):
        close()

    def _next(self):
        self._seq += 1
        return self._seq - 1

    def _send(self, head, body):
        raw, signature = CODEC.encode_reply(Frame(head, body))
        frame = CODEC.decode_reply(WIRE_VERSION, raw, body, signature)
        if frame.head.seq == 0:
            self.status, self.headers = frame.head.status, frame.head.headers
        self.body += frame.body
        self.aborted = self.aborted or frame.head.aborted


def _call(stock: ClientHandler, environ: dict):
    if stock._middleware_chain is None:
        stock.load_middleware()  # marks it as loaded, as tests expect
    handler = getattr(stock, "_swapped", None)
    if handler is None:
        handler = stock._swapped = _Handler()
    handler.enforce_csrf_checks = stock.enforce_csrf_checks
    head, body = _envelope(environ)
    handler.not_carried = {
        name: value
        for name, value in environ.items()
        if value is None
        or (name not in _DERIVED and not name.startswith("HTTP_") and name != "wsgi.input")
    }
    raw, signature = CODEC.encode_request(head, digest_of(body))
    envelope = CODEC.decode_request(WIRE_VERSION, raw, body, signature)
    wire = _Wire(head.id)
    signals.request_started.disconnect(close_old_connections)
    try:
        _Executor(handler).run(envelope.head, envelope.body, wire)
    finally:
        signals.request_started.connect(close_old_connections)
    return _dressed(handler.executed, wire)


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


def _dressed(response, wire: _Wire):
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
