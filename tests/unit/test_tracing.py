"""Spans of one request, with an exporter that keeps them in memory."""

import os
import subprocess
import sys

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.propagators.textmap import TextMapPropagator, default_setter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

from queueproxy.broker.claims import Claim, Settlement
from queueproxy.envelopes import Envelope, ReplyHead, RequestHead
from queueproxy.front.http import refusals
from queueproxy.front.http.cut import Cut
from queueproxy.front.http.headers import Peer
from queueproxy.tracing import is_set_up
from queueproxy.tracing.front import FrontTracing
from queueproxy.tracing.headers import Propagation
from queueproxy.tracing.worker import WorkerTracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CLIENTS = f"00-{TRACE}-{SPAN}-01"
NOT_SAMPLED = f"00-{TRACE}-{SPAN}-00"


class Told:
    """A provider of tracers, and the spans that it has exported."""

    def __init__(self, sampler=None):
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> dict:
        """Spans by name; several of one name are numbered from the second on."""
        found = {}
        for span in self._exporter.get_finished_spans():
            name, number = span.name, 2
            while name in found:
                name, number = f"{span.name} {number}", number + 1
            found[name] = span
        return found

    def sent(self, scope: dict, *, ends=lambda traced: traced.answered(ReplyHead("i", 1, 0, 200))):
        """Let a request through the front; the head as it goes to the broker."""
        with FrontTracing(self.provider).begin(scope) as traced:
            traced.begins("a-request", Peer(("192.0.2.7", 0), "https"))
            head = traced.to_be_sent(head_of(scope))
            traced.taken()
            ends(traced)
        return head

    def attempt(self, head: RequestHead, number: int = 1):
        """Begin to run a request; the attempt, and what its view sees."""
        claim = Claim(head.id, head.queue, "1-0", number, 1500, "3", b"", b"", b"", "f", 2)
        envelope = Envelope(head)
        attempt = WorkerTracing(provider=self.provider).begin(claim, envelope, "web:1:a")
        return attempt, attempt.seen_by_view(envelope).head


@pytest.fixture
def told():
    return Told()


def scope_of(*pairs: tuple[str, str], method: str = "GET") -> dict:
    return {
        "type": "http",
        "method": method,
        "path": "/things/",
        "raw_path": b"/things/",
        "query_string": b"a=1&sig=s3cret&b=2",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("10.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
    }


def head_of(scope: dict) -> RequestHead:
    return RequestHead(
        id="a1",
        request_id="a-request",
        method=scope["method"],
        path="/things/",
        query="",
        headers=[(name.decode(), value.decode()) for name, value in scope["headers"]],
        scheme="http",
        http_version="1.1",
        front="front:1",
        queue="default",
        hold_ms=60_000,
        max_attempts=2,
        sent=0,
        body_size=7,
    )


def traceparent(head: RequestHead) -> str:
    [value] = [value for name, value in head.headers if name == "traceparent"]
    return value


def context_of(span) -> str:
    """A span's context as it travels."""
    context = span.get_span_context()
    ids = f"{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
    return f"00-{ids}-{context.trace_flags:02x}"


def answered(status: int = 200) -> Settlement:
    return Settlement(None, "answered", status=status)


def test_a_request_is_one_trace(told):
    head = told.sent(scope_of(("host", "a")))
    attempt, seen = told.attempt(head)
    attempt.end(answered())
    spans = told.spans
    assert list(spans) == ["send default", "GET", "process default"]
    server, producer, consumer = spans["GET"], spans["send default"], spans["process default"]
    kinds = [span.kind for span in (server, producer, consumer)]
    assert kinds == [SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER]
    assert server.parent is None
    assert producer.parent.span_id == server.context.span_id
    assert consumer.parent.span_id == producer.context.span_id
    assert consumer.parent.is_remote
    assert {span.context.trace_id for span in spans.values()} == {server.context.trace_id}
    assert (traceparent(head), traceparent(seen)) == (context_of(producer), context_of(consumer))
    assert [name for name, _ in seen.headers] == ["host", "traceparent"]


def test_what_a_front_says(told):
    pairs = (("user-agent", "curl"), ("host", "a"))
    told.sent(
        scope_of(*pairs),
        ends=lambda traced: traced.answered(ReplyHead("i", 2, 0, 404, wait_ms=12.0, worker="w:1")),
    )
    assert dict(told.spans["GET"].attributes) == {
        "http.request.method": "GET",
        "url.path": "/things/",
        "url.query": "a=1&sig=REDACTED&b=2",
        "url.scheme": "https",
        "network.protocol.version": "1.1",
        "server.address": "10.0.0.1",
        "server.port": 8000,
        "user_agent.original": "curl",
        "client.address": "192.0.2.7",
        "http.response.status_code": 404,
        "http.server.request.time_in_queue": 12.0,
        "queueproxy.request_id": "a-request",
        "queueproxy.attempt": 2,
        "queueproxy.worker": "w:1",
    }
    assert told.spans["GET"].status.status_code is StatusCode.UNSET  # 4xx is the client's mistake
    assert dict(told.spans["send default"].attributes) == {
        "messaging.system": "queueproxy",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "default",
        "messaging.client.id": "front:1",
        "messaging.message.id": "a1",
        "messaging.message.conversation_id": "a-request",
        "messaging.message.body.size": 7,
    }


def test_what_a_worker_says(told):
    attempt, _ = told.attempt(head_of(scope_of()))
    attempt.end(answered(201))
    attributes = dict(told.spans["process default"].attributes)
    assert attributes["messaging.operation.name"] == attributes["messaging.operation.type"]
    assert attributes["messaging.operation.type"] == "process"
    assert attributes["messaging.client.id"] == "web:1:a"
    assert attributes["http.server.request.time_in_queue"] == 1500.0
    assert attributes["queueproxy.attempt"] == 1
    assert attributes["queueproxy.outcome"] == "answered"
    assert attributes["http.response.status_code"] == 201
    assert not told.spans["process default"].links


def test_names_before_are_told_too_where_asked_for(told, monkeypatch):
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup, messaging/dup")
    attempt, _ = told.attempt(told.sent(scope_of()))
    attempt.end(answered())
    server, producer = told.spans["GET"].attributes, told.spans["send default"].attributes
    consumer = told.spans["process default"].attributes
    assert (server["http.method"], server["http.status_code"]) == ("GET", 200)
    assert (server["http.request.method"], server["http.client_ip"]) == ("GET", "192.0.2.7")
    assert producer["messaging.operation"] == "publish"
    assert (consumer["messaging.operation"], consumer["http.status_code"]) == ("process", 200)


@pytest.mark.parametrize("asked", ["", "http", "http,messaging", "database/dup"])
def test_names_before_are_not_told_else(told, monkeypatch, asked):
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", asked)
    told.sent(scope_of())
    assert not {"http.method", "http.status_code"} & set(told.spans["GET"].attributes)


# What a client sends (W3C Trace Context).


def test_a_clients_trace_goes_on(told):
    head = told.sent(scope_of(("traceparent", CLIENTS), ("tracestate", "a=1,b=2")))
    server = told.spans["GET"]
    assert trace.format_trace_id(server.context.trace_id) == TRACE
    assert trace.format_span_id(server.parent.span_id) == SPAN
    assert dict(head.headers)["tracestate"] == "a=1,b=2"
    assert traceparent(head) == context_of(told.spans["send default"])


@pytest.mark.parametrize(
    "pairs",
    [
        [("traceparent", "nonsense")],
        [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
        [("traceparent", f"ff-{TRACE}-{SPAN}-01")],
        [("traceparent", CLIENTS), ("traceparent", CLIENTS)],
    ],
)
def test_what_is_not_valid_begins_a_trace(told, pairs):
    head = told.sent(scope_of(*pairs, ("tracestate", "a=1")))
    server = told.spans["GET"]
    assert server.parent is None
    assert trace.format_trace_id(server.context.trace_id) != TRACE
    assert traceparent(head) == context_of(told.spans["send default"])
    assert "tracestate" not in dict(head.headers)


def test_baggage_is_passed_on_as_it_came(told):
    raw = "key=a%20b;property , other=1"
    head = told.sent(scope_of(("baggage", raw)))
    assert dict(head.headers)["baggage"] == raw
    attempt, seen = told.attempt(head)
    assert dict(seen.headers)["baggage"] == raw
    call = attempt.around(lambda: (baggage.get_baggage("other"), trace.get_current_span()))
    found, current = call()
    assert found == "1"
    assert context_of(current) == traceparent(seen)
    assert trace.get_current_span() is trace.INVALID_SPAN  # and nothing is left of it


def test_what_is_not_sampled_leaves_no_span(told):
    head = told.sent(scope_of(("traceparent", NOT_SAMPLED)))
    attempt, seen = told.attempt(head)
    attempt.end(answered())
    assert told.spans == {}
    assert traceparent(head).startswith(f"00-{TRACE}-")
    assert traceparent(head).endswith("-00")
    assert traceparent(seen) == traceparent(head)
    current = attempt.around(trace.get_current_span)()
    assert context_of(current) == traceparent(head)


def test_what_the_front_does_not_sample_no_worker_does():
    head = Told(ParentBased(ALWAYS_OFF)).sent(scope_of())
    told = Told()
    attempt, seen = told.attempt(head)
    attempt.end(answered())
    assert told.spans == {}
    assert traceparent(seen) == traceparent(head)


def test_without_a_front_that_traces_a_worker_goes_on_with_the_clients(told):
    attempt, _ = told.attempt(head_of(scope_of(("traceparent", CLIENTS))))
    attempt.end(answered())
    assert trace.format_span_id(told.spans["process default"].parent.span_id) == SPAN


def test_a_method_of_its_own_names_no_span(told):
    told.sent(scope_of(method="BREW"))
    attributes = told.spans["HTTP"].attributes
    assert attributes["http.request.method"] == "_OTHER"
    assert attributes["http.request.method_original"] == "BREW"


# How it may end.


@pytest.mark.parametrize(
    ("ends", "status", "kind"),
    [
        (lambda traced: traced.answered(ReplyHead("i", 1, 0, 500)), 500, "500"),
        (lambda traced: traced.refused(refusals.WORKER_LOST), 502, "connection_terminated"),
        (lambda traced: traced.refused(refusals.QUEUE_FULL), 503, "destination_unavailable"),
    ],
)
def test_an_error_of_the_server(told, ends, status, kind):
    told.sent(scope_of(), ends=ends)
    server = told.spans["GET"]
    assert server.status.status_code is StatusCode.ERROR
    assert server.attributes["http.response.status_code"] == status
    assert server.attributes["error.type"] == kind


def test_an_answer_that_is_cut_short(told):
    def ends(traced):
        traced.answered(ReplyHead("i", 1, 0, 200, more=True))
        raise Cut("The answer was broken off by its view.")

    with pytest.raises(Cut):
        told.sent(scope_of(), ends=ends)
    server = told.spans["GET"]
    assert (server.attributes["error.type"], server.status.status_code) == ("Cut", StatusCode.ERROR)


def test_a_client_that_leaves_is_no_error(told):
    told.sent(scope_of(), ends=lambda traced: None)
    server = told.spans["GET"]
    assert server.attributes["queueproxy.outcome"] == "client_left"
    assert "http.response.status_code" not in server.attributes
    assert server.status.status_code is StatusCode.UNSET
    assert "send default" in told.spans


def test_what_the_broker_has_lost_is_sent_again(told):
    told.sent(scope_of(), ends=lambda traced: traced.taken())
    assert [event.name for event in told.spans["GET"].events] == ["sent to the broker again"]


@pytest.mark.parametrize(
    ("settlement", "kind"),
    [
        (answered(503), "503"),
        (Settlement(None, "bad_response"), "bad_response"),
        (None, "failed"),
        (Settlement(None, "abandoned"), None),
        (answered(404), None),
    ],
)
def test_how_an_attempt_ends(told, settlement, kind):
    attempt, _ = told.attempt(head_of(scope_of()))
    attempt.end(settlement)
    attempt.end(None)  # a second end says nothing
    span = told.spans["process default"]
    assert span.attributes.get("error.type") == kind
    assert (span.status.status_code is StatusCode.ERROR) is (kind is not None)


def test_a_second_attempt_is_linked_to_the_first(told):
    head = told.sent(scope_of())
    attempt, _ = told.attempt(head, 2)
    attempt.end(answered())
    lost, second = told.spans["process default"], told.spans["process default 2"]
    [link] = second.links
    assert link.context.span_id == lost.context.span_id
    attempts = [span.attributes["queueproxy.attempt"] for span in (lost, second)]
    assert attempts == [1, 2]
    assert lost.status.status_code is StatusCode.ERROR
    producer = told.spans["send default"].context
    assert lost.parent.span_id == second.parent.span_id == producer.span_id


# Where it is not set up.


@pytest.mark.parametrize("missing", [False, True])
def test_nothing_is_imported_where_it_is_not_set_up(missing):
    block = "sys.modules['opentelemetry'] = None" if missing else ""
    code = (  # redis-py imports the package by itself, where it is there
        f"import sys; {block}\n"
        "import queueproxy.asgi; from queueproxy import tracing\n"
        "import queueproxy.worker.loop, queueproxy.worker.asynchronous.serving\n"
        "assert tracing.for_front() is None and tracing.for_worker(is_async=False).begin(1, 2, 3)\n"
        "assert not {'queueproxy.tracing.front', 'queueproxy.tracing.worker'} & set(sys.modules)\n"
    )
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environ)


def test_an_api_that_nobody_has_set_up_is_none(monkeypatch):
    assert not is_set_up()
    provider = TracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert is_set_up()
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "redis, queueproxy")
    assert not is_set_up()


@pytest.mark.parametrize(
    ("given", "not_sampled"),
    [
        ([NOT_SAMPLED], True),
        ([NOT_SAMPLED[:-2] + "02"], True),
        ([CLIENTS], False),
        ([NOT_SAMPLED, NOT_SAMPLED], False),
        (["00-nonsense-00"], False),
        ([], False),
    ],
)
def test_what_is_not_sampled_is_seen_at_once(given, not_sampled):
    headers = [("host", "a"), *(("traceparent", value) for value in given)]
    assert Propagation().says_not_sampled(headers) is not_sampled


@pytest.fixture
def _other_propagator():
    usual = propagate.get_global_textmap()
    propagate.set_global_textmap(Other())
    yield
    propagate.set_global_textmap(usual)


@pytest.mark.usefixtures("_other_propagator")
def test_other_propagators_than_the_usual_ones():
    propagation = Propagation()
    span = trace.NonRecordingSpan(trace.SpanContext(10, 11, False))
    written = propagation.with_context_of(span, [("traceparent", CLIENTS), ("other", "1;2")])
    assert written == [("traceparent", CLIENTS), ("other", "a;b")]
    found = trace.get_current_span(propagation.context_in(written)).get_span_context()
    assert (found.trace_id, found.span_id) == (10, 11)
    raw = [(name.encode(), value.encode()) for name, value in written]
    found = trace.get_current_span(propagation.context_in_raw(raw)).get_span_context()
    assert (found.trace_id, found.span_id) == (10, 11)
    assert not propagation.says_not_sampled(written)


class Other(TextMapPropagator):
    """A propagator of a format of its own: ``Other: trace;span``, in hexadecimal digits."""

    fields = {"Other"}

    def extract(self, carrier, context=None, getter=None):
        [found] = getter.get(carrier, "Other") or [""]
        if not found:
            return context
        ids = [int(part, 16) for part in found.split(";")]
        span = trace.NonRecordingSpan(trace.SpanContext(*ids, is_remote=True))
        return trace.set_span_in_context(span, context)

    def inject(self, carrier, context=None, setter=default_setter):
        told = trace.get_current_span(context).get_span_context()
        setter.set(carrier, "Other", f"{told.trace_id:x};{told.span_id:x}")


def test_headers_without_a_context_stay_as_they_are():
    given = [("traceparent", "nonsense"), ("host", "a")]
    assert Propagation().with_context_of(trace.INVALID_SPAN, given) == given
