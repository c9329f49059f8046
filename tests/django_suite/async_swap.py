"""Replaces AsyncClientHandler.__call__ by the way a request takes to an event loop's slot.

As `swap` does for the synchronous client; what is said there holds here.
"""

from contextlib import AsyncExitStack
from urllib.parse import quote

import django.core.handlers.asgi
from django.core import signals
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import close_old_connections
from django.test.client import AsyncClientHandler

import queueproxy.worker.asynchronous.executor
from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.queue_order import QueueOrder
from queueproxy.broker.slot import Slot
from queueproxy.envelopes import Envelope, Frame, RequestHead, encoded_head
from queueproxy.exceptions import BadResponse
from queueproxy.signing import WIRE_VERSION, digest_of
from queueproxy.worker.asynchronous.clients import Client
from queueproxy.worker.asynchronous.executor import AsyncExecutor
from queueproxy.worker.asynchronous.request import AsyncRequest
from queueproxy.worker.view_watch import ViewClock

from .swap import CODEC, Wire, dressed

_DERIVED = {"method", "path", "query_string", "headers", "client", "server", "scheme", "_body_file"}


def install(count) -> None:
    """Put the swap in; `count` is called for each request."""

    async def call(self, scope):
        count()
        return await _call(self, scope)

    AsyncClientHandler.__call__ = call
    # Synchronous parts share the test's own thread, and so its connections.
    django.core.handlers.asgi.ThreadSensitiveContext = AsyncExitStack
    queueproxy.worker.asynchronous.executor.ThreadSensitiveContext = AsyncExitStack


class _Handler(ASGIHandler):
    """Ours, with the stock client's CSRF flag and an eye on what it made."""

    enforce_csrf_checks = True
    not_carried: dict
    executed = None
    raised: BaseException | None = None

    async def get_response_async(self, request: ASGIRequest):
        request._dont_enforce_csrf_checks = not self.enforce_csrf_checks
        request.META.update(self.not_carried)
        request.scope.update(self.not_carried)
        try:
            self.executed = await super().get_response_async(request)
        except BaseException as error:
            self.raised = error
            raise
        self.executed.asgi_request = request
        return self.executed


class _Client:
    def __init__(self, handler: _Handler):
        self.request = handler


class _Executor(AsyncExecutor):
    def __init__(self, handler: _Handler):
        self._client = _Client(handler)


class _Broker:
    """The broker of one answer: takes its frames over the wire."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self.outcome = ""

    def body_of(self, slot: Slot, claim: Claim, envelope: Envelope) -> None:
        return None

    async def push(self, slot: Slot, claim: Claim, frame: Frame) -> bool:
        return self._wire.push(claim, frame)

    async def settle(self, slot: Slot, settlement: Settlement) -> None:
        self.outcome = settlement.outcome
        if settlement.frame is not None:
            self._wire.push(settlement.claim, settlement.frame)

    async def wanted(self, claim: Claim) -> bool:
        return True


async def _call(stock: AsyncClientHandler, scope: dict):
    if stock._middleware_chain is None:
        stock.load_middleware(is_async=True)  # marks it as loaded, as tests expect
    handler = _Handler()
    handler.enforce_csrf_checks = stock.enforce_csrf_checks
    handler.not_carried = {name: value for name, value in scope.items() if name not in _DERIVED}
    envelope = _over_the_wire(scope)
    wire, head = Wire(), envelope.head
    broker, client = _Broker(wire), Client()
    slot = Slot("worker", 0, QueueOrder(()), 0)
    claim = Claim(head.id, head.queue, "1-1", 1, 0, WIRE_VERSION, b"", b"", b"", head.front, 1)
    request = AsyncRequest(broker, _Executor(handler), slot, claim, client, ViewClock(0), envelope)
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    try:
        await request.run()
    finally:
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)
    if handler.raised is not None:
        raise handler.raised
    if broker.outcome != "answered":
        raise BadResponse(broker.outcome)
    return dressed(handler.executed, wire)


def _over_the_wire(scope: dict) -> Envelope:
    head, body = _envelope(scope)
    raw, signature = CODEC.sign_request(encoded_head(head), 1, digest_of(body), len(body))
    return CODEC.decode_request(WIRE_VERSION, raw, body, signature)


def _envelope(scope: dict) -> tuple[RequestHead, bytes]:
    stream = scope.pop("_body_file", None)
    body = stream.read(len(stream)) if stream is not None else b""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
        if (name, value) != (b"cookie", b"")
    ]
    query = scope.get("query_string", "")
    head = RequestHead(
        id="id",
        request_id="request-id",
        method=scope["method"],
        path=quote(scope["path"]),
        query=query if isinstance(query, str) else query.decode("latin-1"),
        headers=headers,
        scheme=scope["scheme"],
        http_version=scope["http_version"],
        front="front",
        queue="default",
        hold_ms=60_000,
        max_attempts=1,
        sent=0,
        client=tuple(scope["client"]),
        server=(scope["server"][0], int(scope["server"][1])),
        body_size=len(body),
    )
    return head, body
