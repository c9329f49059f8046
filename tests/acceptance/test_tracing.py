"""Traces over real processes: front, worker, view; also over lost workers."""

import json
from dataclasses import dataclass
from itertools import pairwise

import httpx
import pytest

from ..kit.waiting import wait_until
from .conftest import left_as_found
from .site import Site

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CLIENTS = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
ANOTHER_TRACE = "1af7651916cd43dd8448eb211c80319c"
URLS = {"PROBE_URLCONF": "tests.acceptance.probe.traced_urls"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "queueproxy.logs.JSONFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"queueproxy": {"handlers": ["console"], "level": "INFO"}},
}


@dataclass
class Span:
    """A span as it was exported."""

    name: str
    kind: str
    scope: str
    trace: str
    id: str
    parent: str | None
    links: list[str]
    status: str
    attributes: dict
    pid: int
    seconds: float


class TracedSite(Site):
    """A site whose processes export their spans to a file."""

    may_trace = True

    def __init__(self, directory, broker, server: str, **settings):
        super().__init__(directory, broker, server, **settings)
        self._traces = directory / "traces"
        self._traces.touch()
        self.environ |= {**URLS, "PROBE_TRACES": str(self._traces)}

    def spans(self, path: str = "") -> dict[str, list[Span]]:
        """Spans by name, of the trace of the request for one path."""
        spans = [Span(**json.loads(line)) for line in self._traces.read_text().splitlines()]
        of = {span.trace for span in spans if span.attributes.get("url.path") == path}
        found: dict[str, list[Span]] = {}
        for span in spans:
            if not path or span.trace in of:
                found.setdefault(span.name, []).append(span)
        return found

    def trace_of(self, path: str, *names: str) -> dict[str, list[Span]]:
        """The spans of a request, once there are some of these names."""

        def all_of_them() -> dict[str, list[Span]]:
            spans = self.spans(path)
            return spans if spans.keys() >= set(names) else {}

        return wait_until(all_of_them, path)


@pytest.fixture(scope="module", params=[("--threads", "2"), ("--async", "4")])
def options(request):
    """Of the workers."""
    return request.param


@pytest.fixture(scope="module")
def standing_traced(make_shared_site, options):
    site = make_shared_site(TracedSite)
    site.front("--access-log", PROBE_LOGGING=json.dumps(LOGGING))
    site.workers(*options)
    return site


@pytest.fixture
def traced(standing_traced):
    """A site that serves, shared: each test has paths and traces of its own there."""
    with left_as_found(standing_traced):
        yield standing_traced


@pytest.fixture
def own_traced(tmp_path, broker, server):
    """A site of the test's own, with nothing started."""
    site = TracedSite(tmp_path, broker, server, LEASE=1)
    yield site
    site.stop()


# For what goes on in workers and between them and a front, whatever server it runs under.
under_one_server = pytest.mark.parametrize("server", ["uvicorn"], indirect=True)


def chain(site: TracedSite, path: str, *names: str) -> list[Span]:
    """The spans of these names, once all have come, each the parent of the next in one trace."""
    spans = site.trace_of(path, *names)
    found = [spans[name][0] for name in names]
    for parent, child in pairwise(found):
        assert (child.parent, child.trace) == (parent.id, parent.trace), child
    return found


def test_a_request_is_one_trace(traced):
    answer = traced.get("/traced/a/", headers=CLIENTS)
    server, producer, consumer, work = chain(
        traced, "/traced/a/", "GET", "send default", "process default", "work"
    )
    assert (server.trace, server.parent) == (TRACE, SPAN)
    assert answer.text == f"00-{TRACE}-{consumer.id}-01"
    assert [
        span.kind for span in (server, producer, consumer)
    ] == "SERVER PRODUCER CONSUMER".split()
    assert (server.pid, consumer.pid) == (producer.pid, work.pid)
    assert server.pid != consumer.pid
    (worker,) = traced.status()["workers"]
    assert server.attributes["queueproxy.worker"] == worker["id"]
    assert consumer.attributes["messaging.client.id"] == worker["id"]
    waited = server.attributes["http.server.request.time_in_queue"]
    assert 0 <= waited <= server.seconds * 1000
    assert consumer.attributes["http.server.request.time_in_queue"] == waited


@under_one_server
def test_djangos_instrumentation_goes_on_with_the_trace(own_traced, options):
    own_traced.front()
    own_traced.workers(*options, PROBE_DJANGO_TRACED="1")
    answer = own_traced.get("/traced/a/")
    names = ("GET", "send default", "process default", "GET traced/<nonce>/", "work")
    *_, consumer, django, _ = chain(own_traced, "/traced/a/", *names)
    assert django.kind == "SERVER"  # as under any server
    assert answer.text.split("-")[2] == consumer.id


def test_traces_do_not_mix(traced, options):
    view = "traced-async" if "--async" in options else "traced"
    paths = [f"/{view}/mixed-{number}/" for number in range(20)]
    answers = [traced.in_background("GET", path) for path in paths]
    for path, answer in zip(paths, answers, strict=True):
        text = answer.result().text
        *_, consumer, _ = chain(traced, path, "GET", "send default", "process default", "work")
        assert text.startswith(f"00-{consumer.trace}-{consumer.id}-")
    of_all = [span for path in paths for span in traced.spans(path)["GET"]]
    assert len({span.trace for span in of_all}) == len(of_all) == len(paths)


@under_one_server
def test_a_lost_worker_leaves_two_attempts_linked(own_traced):
    own_traced.front()
    own_traced.workers("--processes", "2")
    assert own_traced.get("/die-once/a/").status_code == 200
    path = "/die-once/a/"
    wait_until(lambda: len(own_traced.spans(path).get("process default", ())) == 2, "both attempts")
    spans = own_traced.trace_of(path, "GET", "send default")
    (server,), (producer,) = spans["GET"], spans["send default"]
    by_attempt = {span.attributes["queueproxy.attempt"]: span for span in spans["process default"]}
    lost, second = by_attempt[1], by_attempt[2]
    assert lost.parent == second.parent == producer.id
    assert second.links == [lost.id]
    assert (lost.status, second.status, server.status) == ("ERROR", "UNSET", "UNSET")
    assert server.attributes["queueproxy.attempt"] == 2
    assert server.attributes["http.response.status_code"] == 200


@under_one_server
def test_a_request_that_failed(own_traced):
    own_traced.front()
    own_traced.workers("--processes", "2")
    answer = httpx.post(f"{own_traced.url}/die/a/", timeout=60)
    assert answer.status_code == 502
    spans = own_traced.trace_of("/die/a/", "POST", "send default")
    (server,) = spans["POST"]
    assert (server.status, server.attributes["error.type"]) == ("ERROR", "connection_terminated")
    assert server.attributes["http.response.status_code"] == 502
    assert "send default" in spans
    assert "process default" not in spans  # it was lost with its worker


def test_a_client_that_does_not_sample(traced):
    answer = traced.get("/traced/unsampled/", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    assert answer.text.startswith(f"00-{TRACE}-")
    assert answer.text.endswith("-00")
    assert int(traced.get("/traced/sampled/").text[-2:], 16) & 1
    traced.trace_of("/traced/sampled/", "GET", "process default")
    assert not traced.spans("/traced/unsampled/")


def test_a_stream_is_one_attempt_to_its_end(traced):
    assert len(traced.get("/stream/a/?count=3&pause=0.1").content) == 3000
    (consumer,) = traced.trace_of("/stream/a/", "process default")["process default"]
    assert consumer.seconds > 0.3


def test_the_access_log_names_the_trace(traced):
    traced.get("/traced/logged/", headers={"traceparent": f"00-{ANOTHER_TRACE}-{SPAN}-01"})
    front = traced.processes[0]
    assert wait_until(lambda: f'"trace_id": "{ANOTHER_TRACE}"' in front.log.read_text())


def test_health_is_not_traced(traced):
    assert traced.get("/-/livez").status_code == 200
    traced.get("/traced/after/")
    traced.trace_of("/traced/after/", "GET")
    assert not traced.spans("/-/livez")


@under_one_server
@pytest.mark.parametrize("role", ["front", "worker"])
def test_where_one_side_alone_traces(own_traced, role):
    """In mixed versions, and in sites that trace their views alone."""
    off = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "queueproxy"}
    own_traced.front(**({} if role == "front" else off))
    own_traced.workers(**(off if role == "front" else {}))
    answer = own_traced.get("/traced/a/", headers=CLIENTS)
    names = {"front": "send default", "worker": "process default"}
    (span,) = wait_until(lambda: own_traced.spans().get(names[role]))
    assert (answer.text, span.trace) == (f"00-{TRACE}-{span.id}-01", TRACE)
