"""OpenTelemetry's instrumentation of Django."""

from collections.abc import Callable

from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


def start(write: Callable[[dict], None]) -> None:
    class FileExporter(SpanExporter):
        def export(self, spans):
            for span in spans:
                if span.instrumentation_scope.name != "queueproxy":  # see test_agents
                    write(_report(span))
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(FileExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(request_hook=_note_baggage)


def name_user(user: str) -> None:
    trace.get_current_span().set_attribute("enduser.id", user)
    trace.get_current_span().add_event(f"{user} was here")
    context.attach(baggage.set_baggage("user", user))  # and never detached, as careless code has it


def _note_baggage(span, request) -> None:
    span.set_attribute("baggage", str(dict(baggage.get_all())))


def _report(span) -> dict:
    return {
        "kind": span.kind.name,
        "name": span.name,
        "attributes": dict(span.attributes),
        "events": [event.name for event in span.events],
        "status": span.status.status_code.name,
        "child": span.parent is not None,
    }
