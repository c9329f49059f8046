"""The spans of a front: SERVER for each request to the project, PRODUCER for sending it."""

from typing import Self

import msgspec.structs
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from ..asgi_types import Scope
from ..envelopes import ReplyHead, RequestHead
from ..front.http.headers import Peer, raw_path
from ..front.http.refusals import Refusal
from . import names
from .headers import Propagation


class FrontTracing:
    """Traces the requests of one process.

    Args:
        provider: of tracers; None for the one that is set.
    """

    def __init__(self, provider: trace.TracerProvider | None = None):
        self._tracer = trace.get_tracer(
            names.SCOPE, names.VERSION, provider, schema_url=names.SCHEMA_URL
        )
        self._names_before = names.opted_in()
        self._propagation = Propagation()

    def begin(self, scope: Scope) -> "RequestTrace":
        """Begin the span of a request.

        Args:
            scope: of ASGI, not admitted yet.
        """
        return RequestTrace(self._tracer, self._propagation, scope, self._names_before)


class RequestTrace:
    """The spans of one request, as an `Observer` of it; a context manager that ends them.

    Args:
        tracer: starts them.
        propagation: reads and writes contexts.
        scope: of the request.
        names_before: of `opted_in`.
    """

    def __init__(
        self,
        tracer: trace.Tracer,
        propagation: Propagation,
        scope: Scope,
        names_before: dict[str, str],
    ):
        self._tracer = tracer
        self._propagation = propagation
        self._names_before = names_before
        self._sending: trace.Span | None = None
        self._taken = False
        self._status = 0
        known = scope["method"] in names.METHODS
        self._server = tracer.start_span(
            scope["method"] if known else "HTTP",
            propagation.context_in_raw(scope["headers"]),
            SpanKind.SERVER,
            self._named(_of_request(scope)),
        )
        self._records = self._server.is_recording()

    @property
    def trace_id(self) -> str:
        """The id of the trace, 32 hexadecimal digits."""
        return trace.format_trace_id(self._server.get_span_context().trace_id)

    def _named(self, attributes: names.Attributes) -> names.Attributes:
        before = self._names_before
        return names.with_names_before(attributes, before) if before else attributes

    def _set(self, attributes: names.Attributes) -> None:
        self._server.set_attributes(self._named(attributes))

    # As of `Observer`.

    def begins(self, request_id: str, peer: Peer) -> None:
        """As of `Observer`."""
        if self._records:
            about: names.Attributes = {names.REQUEST_ID: request_id, names.SCHEME: peer.scheme}
            if peer.client is not None and peer.client[0]:
                about[names.CLIENT_ADDRESS] = peer.client[0]
            self._set(about)

    def to_be_sent(self, head: RequestHead) -> RequestHead:
        """As of `Observer`; the head then has the context that the worker goes on with."""
        span = self._server
        if self._records:
            span = self._sending = self._tracer.start_span(
                f"send {head.queue}",
                trace.set_span_in_context(span),
                SpanKind.PRODUCER,
                self._named(names.messaging("send", head, head.front)),
            )
        headers = self._propagation.with_context_of(span, head.headers)
        return msgspec.structs.replace(head, headers=headers)

    def taken(self) -> None:
        """As of `Observer`."""
        if self._sending is not None:
            if self._taken:
                self._server.add_event("sent to the broker again")
            else:
                self._end_sending()
        self._taken = True

    def answered(self, head: ReplyHead) -> None:
        """As of `Observer`."""
        self._status = head.status
        if self._records:
            self._end_sending()
            about: names.Attributes = {
                names.TIME_IN_QUEUE: head.wait_ms,
                names.ATTEMPT: head.attempt,
            }
            if head.worker:
                about[names.WORKER] = head.worker
            self._set(about)

    def refused(self, refusal: Refusal) -> None:
        """As of `Observer`."""
        self._status = refusal.status
        if self._records and refusal.status >= 500:
            self._fail(refusal.error, refusal.detail)

    # The end.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: object) -> None:
        if not self._records:
            return
        if self._status:
            self._set({names.STATUS: self._status})
        if error is not None:
            self._fail(type(error).__qualname__, str(error))
        elif self._status >= 500:
            self._fail(str(self._status))
        elif not self._status:
            self._set({names.OUTCOME: "client_left"})
        self._end_sending()
        self._server.end()

    def _end_sending(self) -> None:
        if self._sending is not None and self._sending.is_recording():
            if not self._taken and self._status >= 500:
                self._sending.set_status(Status(StatusCode.ERROR))
            self._sending.end()

    _failed = False

    def _fail(self, kind: str, description: str | None = None) -> None:
        """Note why it failed; the first reason counts."""
        if not self._failed:
            self._failed = True
            self._server.set_attribute(names.ERROR_TYPE, kind)
            self._server.set_status(Status(StatusCode.ERROR, description))


def _of_request(scope: Scope) -> names.Attributes:
    """Return what a sampler may go by."""
    method = scope["method"]
    known = method in names.METHODS
    found: names.Attributes = {
        "http.request.method": method if known else names.OTHER_METHOD,
        "url.path": raw_path(scope),
        names.SCHEME: scope.get("scheme", "http"),
        "network.protocol.version": scope["http_version"],
    }
    if not known:
        found["http.request.method_original"] = method
    if scope["query_string"]:
        found["url.query"] = names.query_without_secrets(scope["query_string"].decode("latin-1"))
    server = scope.get("server")
    if server:
        found["server.address"] = server[0]
        if server[1] is not None:
            found["server.port"] = server[1]
    for name, value in scope["headers"]:
        if name == b"user-agent":
            found["user_agent.original"] = value.decode("latin-1")
            break
    return found
