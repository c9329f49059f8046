"""OpenTelemetry as a project sets it up, with a file of JSON lines in the place of a collector.

PROBE_TRACES is the file; PROBE_DJANGO_TRACED switches the instrumentation of Django on.
"""

import json
import os

from django.apps import AppConfig
from opentelemetry import trace
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class FileExporter(SpanExporter):
    """Writes each span, by one write: processes share the file."""

    def export(self, spans):
        for span in spans:
            line = json.dumps(_as_json(span)) + "\n"
            file = os.open(os.environ["PROBE_TRACES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, line.encode())
            os.close(file)
        return SpanExportResult.SUCCESS


def _as_json(span) -> dict:
    return {
        "name": span.name,
        "kind": span.kind.name,
        "scope": span.instrumentation_scope.name,
        "trace": trace.format_trace_id(span.context.trace_id),
        "id": trace.format_span_id(span.context.span_id),
        "parent": span.parent and trace.format_span_id(span.parent.span_id),
        "links": [trace.format_span_id(link.context.span_id) for link in span.links],
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes),
        "pid": os.getpid(),
        "seconds": (span.end_time - span.start_time) / 1e9,
    }


class TracesConfig(AppConfig):
    name = "tests.acceptance.probe"

    def ready(self):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(FileExporter()))
        trace.set_tracer_provider(provider)
        if "PROBE_DJANGO_TRACED" in os.environ:
            DjangoInstrumentor().instrument()
