"""The spans of a worker: CONSUMER for each attempt to run a request."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import msgspec.structs
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode

from ..broker.claims import Claim, Settlement
from ..envelopes import Envelope, Header, RequestHead
from . import names
from .headers import Propagation
from .untraced import UNTRACED, NoTracing, Untraced

_FINE = frozenset(("answered", "abandoned"))  # outcomes that are nobody's mistake


class WorkerTracing(NoTracing):
    """Traces the attempts of one process.

    Where OpenTelemetry's instrumentation of Django is on, it takes the context from the headers,
    and its span is the same as under any server. Where it is not, the CONSUMER span is the current
    one while the view runs, so that spans of the project's own hang below it.

    Args:
        is_async: whether Django is served by ASGI.
        provider: of tracers; None for the one that is set.
    """

    def __init__(self, *, is_async: bool = False, provider: trace.TracerProvider | None = None):
        self._tracer = trace.get_tracer(
            names.SCOPE, names.VERSION, provider, schema_url=names.SCHEMA_URL
        )
        self._names_before = names.opted_in()
        self._propagation = Propagation()
        self._makes_current = not _django_is_instrumented(is_async)

    def begin(self, claim: Claim, envelope: Envelope, worker: str) -> Untraced:
        """Begin the span of an attempt."""
        head = envelope.head
        if not self._makes_current and self._propagation.says_not_sampled(head.headers):
            return UNTRACED  # Django's instrumentation reads the header by itself
        parent = self._propagation.context_in(head.headers)
        sent_by = trace.get_current_span(parent).get_span_context()
        if sent_by.is_valid and not sent_by.trace_flags.sampled:
            return _Unsampled(parent) if self._makes_current else UNTRACED
        attributes = self._attributes(claim, head, worker)
        span = self._tracer.start_span(
            f"process {head.queue}",
            parent,
            SpanKind.CONSUMER,
            attributes,
            self._links_to_earlier(claim.attempt - 1, attributes, parent, head),
        )
        headers = self._propagation.with_context_of(span, head.headers)
        return Attempt(span, parent, headers, self._names_before, current=self._makes_current)

    def _attributes(self, claim: Claim, head: RequestHead, worker: str) -> names.Attributes:
        found = names.messaging("process", head, worker)
        found[names.ATTEMPT] = claim.attempt
        found[names.TIME_IN_QUEUE] = float(claim.waited_ms)
        return names.with_names_before(found, self._names_before)

    def _links_to_earlier(
        self, earlier: int, attributes: names.Attributes, parent: Context, head: RequestHead
    ) -> list[trace.Link]:
        """Link to the attempt before, whose span nobody else will tell of.

        Its worker was lost, and what it had recorded with it; so it is told here, without times.
        """
        if not earlier:
            return []
        left_out = (names.TIME_IN_QUEUE, "messaging.client.id")
        about = {name: value for name, value in attributes.items() if name not in left_out}
        about |= {names.ATTEMPT: earlier, names.ERROR_TYPE: "no_answer"}
        span = self._tracer.start_span(f"process {head.queue}", parent, SpanKind.CONSUMER, about)
        why = "This attempt gave no answer: its worker was lost, or nothing could be committed."
        span.set_status(Status(StatusCode.ERROR, why))
        span.end()
        return [trace.Link(span.get_span_context(), {names.ATTEMPT: earlier})]


class _Unsampled(Untraced):
    """An attempt that is not recorded, and whose context is current while the view runs."""

    def __init__(self, context: Context):
        self._context = context

    def around(self, call: Callable[[], Any]) -> Callable[[], Any]:
        def called() -> Any:
            token = contexts.attach(self._context)
            try:
                return call()
            finally:
                contexts.detach(token)

        return called

    def enter(self) -> None:
        contexts.attach(self._context)


class Attempt(_Unsampled):
    """The span of one attempt.

    Args:
        span: begun.
        parent: the context that came with the request.
        headers: of the request, with the context of the span.
        names_before: of `opted_in`.
        current: whether it is the current span while the view runs.
    """

    def __init__(
        self,
        span: trace.Span,
        parent: Context,
        headers: list[Header],
        names_before: dict[str, str],
        *,
        current: bool,
    ):
        super().__init__(trace.set_span_in_context(span, parent))
        self._span = span
        self._headers = headers
        self._names_before = names_before
        self._current = current

    def seen_by_view(self, envelope: Envelope) -> Envelope:
        head = msgspec.structs.replace(envelope.head, headers=self._headers)
        return msgspec.structs.replace(envelope, head=head)

    def around(self, call: Callable[[], Any]) -> Callable[[], Any]:
        return super().around(call) if self._current else call

    def enter(self) -> None:
        if self._current:
            super().enter()

    def end(self, settlement: Settlement | None) -> None:
        span = self._span
        if not span.is_recording():
            return
        outcome = "failed" if settlement is None else settlement.outcome
        span.set_attribute(names.OUTCOME, outcome)
        status = settlement.status if settlement is not None else 0
        if status:
            about = names.with_names_before({names.STATUS: status}, self._names_before)
            span.set_attributes(about)
        if outcome not in _FINE or status >= 500:
            span.set_attribute(names.ERROR_TYPE, str(status) if status >= 500 else outcome)
            span.set_status(Status(StatusCode.ERROR))
        span.end()


def _django_is_instrumented(is_async: bool) -> bool:
    """Whether its instrumentation makes spans: of ASGI it does with another package alone."""
    if is_async and find_spec("opentelemetry.instrumentation.asgi") is None:
        return False
    module = sys.modules.get("opentelemetry.instrumentation.django")
    return module is not None and module.DjangoInstrumentor().is_instrumented_by_opentelemetry
