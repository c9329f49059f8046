"""The way of a request of Django's asynchronous test client, as to a slot of ``--async``.

As `sync_way` for the synchronous client; what is said there holds here.
"""

from typing import Any
from urllib.parse import quote

from django.core import signals
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import HttpResponseBase
from django.test.client import AsyncClientHandler

from ..asgi_types import Scope
from ..broker.claims import Claim, Settlement
from ..broker.queue_order import QueueOrder
from ..broker.slot import Slot
from ..envelopes import Envelope, Frame, RequestHead
from ..worker.asynchronous.clients import Client
from ..worker.asynchronous.executor import AsyncExecutor
from ..worker.asynchronous.request import AsyncRequest
from ..worker.view_watch import ViewClock
from .wire import Seen, Wire, claim_of, dressed, envelope_of, request_head, unsendable

_DERIVED = {"method", "path", "query_string", "headers", "client", "server", "scheme", "_body_file"}


class _Handler(ASGIHandler):
    """Ours, with the test client's own flags and an eye on what was made."""

    def __init__(self, stock: AsyncClientHandler, not_carried: dict[str, Any]):
        self._stock = stock
        self._own = type(stock).get_response_async
        self._not_carried = not_carried
        self.executed: HttpResponseBase
        self.raised: BaseException | None = None
        super().__init__()

    async def get_response_async(self, request: ASGIRequest) -> HttpResponseBase:  # type: ignore[override]  # an ASGIHandler makes no other
        request._dont_enforce_csrf_checks = not self._stock.enforce_csrf_checks  # type: ignore[attr-defined]  # as Django's own does
        request.META.update(self._not_carried)
        request.scope.update(self._not_carried)  # type: ignore[attr-defined]  # a dict
        try:
            if self._own is BaseHandler.get_response_async:
                self.executed = await super().get_response_async(request)
            else:
                self.executed = await self._own(self._stock, request)
        except BaseException as error:
            self.raised = error
            raise
        self.executed.asgi_request = request  # type: ignore[attr-defined]  # as Django's own does
        return self.executed


class _Client:
    def __init__(self, handler: _Handler):
        self.request = handler


class _TestExecutor(AsyncExecutor):
    def __init__(self, handler: _Handler):
        self._client = _Client(handler)  # type: ignore[assignment]  # all that is used of one


class _Broker:
    """The broker of one answer, as `AsyncRequest` knows it."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self.outcome = ""

    def body_of(self, slot: Slot, claim: Claim, envelope: Envelope) -> None:
        return None

    async def push(self, slot: Slot, claim: Claim, frame: Frame) -> bool:
        self._wire.push(frame)
        return True

    async def settle(self, slot: Slot, settlement: Settlement) -> None:
        self.outcome = settlement.outcome
        if settlement.frame is not None:
            self._wire.push(settlement.frame)

    async def wanted(self, claim: Claim) -> bool:
        return True


async def respond(stock: AsyncClientHandler, scope: Scope, seen: Seen) -> HttpResponseBase:
    """Do as ``AsyncClientHandler.__call__`` does, by way of queueproxy.

    Args and errors as of `sync_way.respond`.
    """
    own: Any = stock  # with what its stubs leave out
    if own._middleware_chain is None:
        own.load_middleware(is_async=True)  # marks it as loaded, as tests expect
    not_carried = {name: value for name, value in scope.items() if name not in _DERIVED}
    handler = _Handler(stock, not_carried)
    envelope = envelope_of(*_taken_apart(scope))
    seen(envelope.head)
    wire = Wire()
    broker, slot = _Broker(wire), Slot("worker", 0, QueueOrder(()), 0)
    claim = claim_of(envelope.head)
    executor, clock = _TestExecutor(handler), ViewClock(0)
    request = AsyncRequest(broker, executor, slot, claim, Client(), clock, envelope)  # type: ignore[arg-type]  # all it asks of a broker
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
        raise unsendable(envelope.head, broker.outcome)
    wire.see_that_it_is_whole(envelope.head)
    return dressed(handler.executed, wire)


def _taken_apart(scope: Scope) -> tuple[RequestHead, bytes]:
    stream = scope.pop("_body_file", None)
    body = stream.read(len(stream)) if stream is not None else b""
    query = scope.get("query_string", "")
    head = request_head(
        method=scope["method"],
        path=quote(scope["path"]),
        query=query if isinstance(query, str) else query.decode("latin-1"),
        headers=[
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
            if (name, value) != (b"cookie", b"")
        ],
        scheme=scope["scheme"],
        http_version=scope["http_version"],
        client=tuple(scope["client"]),
        server=(scope["server"][0], int(scope["server"][1])),
        body=body,
    )
    return head, body
