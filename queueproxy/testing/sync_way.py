"""The way of a request of Django's test client through queueproxy, within the calling thread.

environ -> request envelope -> bytes -> envelope -> our executor -> reply frames -> bytes -> frames.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn
from urllib.parse import quote_from_bytes

from django.core import signals
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http import HttpResponseBase
from django.test.client import ClientHandler

from ..broker.claims import Claim
from ..envelopes import Envelope, Frame, RequestHead
from ..worker.executor import Executor, keeping_handler
from ..worker.reply import WINDOW, Reply
from ..worker.view_watch import ViewClock
from .wire import Seen, Wire, claim_of, dressed, envelope_of, request_head, unsendable

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


def respond(stock: ClientHandler, environ: dict[str, Any], seen: Seen) -> HttpResponseBase:
    """Do as ``ClientHandler.__call__`` does, by way of queueproxy.

    Args:
        stock: the handler of the client, one of a subclass perhaps.
        environ: as the client has made it.
        seen: told of the request.

    Raises:
        BadResponse: the answer can't be sent; a real client would get 502, or see it break off.
        Exception: what is raised around views, and reaches a test that wants it.
    """
    handler: Any = stock  # with what its stubs leave out
    if handler._middleware_chain is None:
        handler.load_middleware()  # marks it as loaded, as tests expect
    executor: _TestExecutor | None = getattr(stock, "_queued", None)
    if executor is None:
        executor = handler._queued = _TestExecutor(stock)
    head, body = _taken_apart(environ)
    executor.not_carried = {
        name: value for name, value in environ.items() if value is None or not _is_carried(name)
    }
    envelope = envelope_of(head, body)
    seen(envelope.head)
    wire = Wire()
    # As the stock handler: no connection of the test's is closed under it.
    signals.request_started.disconnect(close_old_connections)
    try:
        _answer(executor, envelope, wire)
    finally:
        signals.request_started.connect(close_old_connections)
    wire.see_that_it_is_whole(envelope.head)
    return dressed(executor.executed, wire)


def _is_carried(name: str) -> bool:
    return name in _DERIVED or name.startswith("HTTP_") or name == "wsgi.input"


class _TestExecutor(Executor):
    """Ours, with the test client's own flags and an eye on what was made.

    Attributes:
        not_carried: variables of the environ that no wire carries, such as a test's own.
        executed: the response that Django made last.
    """

    def __init__(self, stock: ClientHandler):
        self.not_carried: dict[str, Any] = {}
        self.executed: HttpResponseBase
        self._stock = stock
        self._own = type(stock).get_response
        super().__init__(keeping_handler(self._get_response))

    def _get_response(self, request: WSGIRequest) -> HttpResponseBase:
        request._dont_enforce_csrf_checks = not self._stock.enforce_csrf_checks  # type: ignore[attr-defined]  # as Django's own does
        request.environ.update(self.not_carried)
        if self._own is BaseHandler.get_response:
            response = WSGIHandler.get_response(self.handler, request)
        else:  # a subclass has one, as Django REST framework's for force_authenticate
            response = self._own(self._stock, request)
        response.wsgi_request = request  # type: ignore[attr-defined]  # as Django's own does
        self.executed = response
        return response

    def _failed(self, environ: dict[str, Any], responses: list[HttpResponseBase]) -> NoReturn:
        raise


class _Flow:
    """A client that takes all at once, for as long as it comes."""

    streams_end = False

    def wait_for_client(self, registration: str, beyond: int, timeout: float, *, ends: bool) -> int:
        return beyond + WINDOW

    def watch_client(
        self, registration: str, end: object, *, ends: bool
    ) -> AbstractContextManager[None]:
        return nullcontext()


class _Broker:
    """The broker of one answer, as `Reply` knows it."""

    worker = "worker"

    def __init__(self, wire: Wire):
        self._wire = wire
        self.flow = _Flow()

    def push(self, claim: Claim, frame: Frame) -> bool:
        self._wire.push(frame)
        return True

    def wanted(self, claim: Claim) -> bool:
        return True


def _answer(executor: Executor, envelope: Envelope, wire: Wire) -> None:
    """Respond, send and close, as an executor thread does."""
    claim = claim_of(envelope.head)
    reply = Reply(_Broker(wire), claim, envelope.head, ViewClock(0))  # type: ignore[arg-type]  # all it asks of one
    exchange = executor.respond(envelope)
    try:
        settlement = reply.send(exchange)
        if settlement.frame is None:
            raise unsendable(envelope.head, settlement.outcome)
        wire.push(settlement.frame)
    finally:
        signals.request_finished.disconnect(close_old_connections)
        exchange.close()
        signals.request_finished.connect(close_old_connections)


def _taken_apart(environ: dict[str, Any]) -> tuple[RequestHead, bytes]:
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
    path = (root.rstrip("/") + environ.get("PATH_INFO", "/")).encode("latin-1")
    head = request_head(
        method=environ["REQUEST_METHOD"],
        path=quote_from_bytes(path, "/"),
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        scheme=environ["wsgi.url_scheme"],
        http_version=environ.get("SERVER_PROTOCOL", "HTTP/1.1").rpartition("/")[2],
        root_path=root.encode("latin-1").decode(),
        client=(environ.get("REMOTE_ADDR", ""), 0),
        server=(environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        body=body,
    )
    return head, body
