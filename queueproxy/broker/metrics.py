"""A snapshot in Prometheus' text exposition format 0.0.4."""

from collections.abc import Iterable, Iterator

from .stats import BOUNDS, Histogram, Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
P = "queueproxy_"

Sample = tuple[dict[str, str], float]


def exposition(snapshot: Snapshot) -> str:
    """Every metric of the whole system."""
    return "\n".join([*_gauges(snapshot), *_counters(snapshot), *_histograms(snapshot)]) + "\n"


def _gauges(snapshot: Snapshot) -> Iterator[str]:
    queues = snapshot.queues
    yield from _metric(
        "queue_depth", "gauge", "Requests waiting.", (({"queue": q.name}, q.depth) for q in queues)
    )
    yield from _metric(
        "queue_oldest_wait_seconds",
        "gauge",
        "How long the oldest waiting request has waited.",
        (({"queue": q.name}, q.oldest_wait_seconds) for q in queues),
    )
    yield from _metric(
        "queue_in_flight",
        "gauge",
        "Requests claimed and not yet answered.",
        (({"queue": q.name}, q.in_flight) for q in queues),
    )
    yield from _metric(
        "queue_paused",
        "gauge",
        "1 while the queue is paused.",
        (({"queue": q.name}, int(q.paused)) for q in queues),
    )
    held = sum(front["held"] for front in snapshot.fronts)
    yield from _metric("front_held_requests", "gauge", "Clients held by fronts.", [({}, held)])
    states = {"idle": 0, "busy": 0, "draining": 0}
    for worker in snapshot.workers:
        states[worker["state"]] = states.get(worker["state"], 0) + 1
    yield from _metric(
        "workers",
        "gauge",
        "Worker processes by state.",
        (({"state": state}, number) for state, number in states.items()),
    )
    yield from _metric("dead_letters", "gauge", "Dead letters kept.", [({}, snapshot.dead_letters)])


def _counters(snapshot: Snapshot) -> Iterator[str]:
    queues = snapshot.queues
    yield from _metric(
        "requests_enqueued_total",
        "counter",
        "Requests put on a queue.",
        (({"queue": q.name}, q.enqueued_total) for q in queues),
    )
    yield from _metric(
        "requests_completed_total",
        "counter",
        "Requests answered by a worker.",
        (
            ({"queue": q.name, "method": method, "code": code}, number)
            for q in queues
            for (method, code), number in sorted(q.codes.items())
        ),
    )
    yield from _metric(
        "requests_failed_total",
        "counter",
        "Requests no worker answered, by reason.",
        (
            ({"queue": q.name, "reason": name.partition(":")[2]}, number)
            for q in queues
            for name, number in sorted(q.totals.items())
            if name.startswith(("failed:", "refused:"))
        ),
    )
    yield from _metric(
        "requests_redelivered_total",
        "counter",
        "Requests run again after a worker was lost.",
        (({"queue": q.name}, q.totals.get("redelivered", 0)) for q in queues),
    )


def _histograms(snapshot: Snapshot) -> Iterator[str]:
    yield from _histogram(
        "request_wait_seconds",
        "From enqueue to claim.",
        ((q.name, q.wait) for q in snapshot.queues),
    )
    yield from _histogram(
        "request_processing_seconds",
        "From claim to answer.",
        ((q.name, q.run) for q in snapshot.queues),
    )


def _metric(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {P}{name} {text}"
    yield f"# TYPE {P}{name} {kind}"
    for labels, value in samples:
        yield f"{P}{name}{_labels(labels)} {value:g}"


def _histogram(name: str, text: str, histograms: Iterable[tuple[str, Histogram]]) -> Iterator[str]:
    yield f"# HELP {P}{name} {text}"
    yield f"# TYPE {P}{name} histogram"
    for queue, histogram in histograms:
        seen = 0
        for bound, number in zip(BOUNDS, histogram.buckets, strict=False):
            seen += number
            yield f"{P}{name}_bucket{_labels({'queue': queue, 'le': f'{bound:g}'})} {seen}"
        yield f"{P}{name}_bucket{_labels({'queue': queue, 'le': '+Inf'})} {histogram.count}"
        yield f"{P}{name}_sum{_labels({'queue': queue})} {histogram.seconds:.6f}"
        yield f"{P}{name}_count{_labels({'queue': queue})} {histogram.count}"


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
