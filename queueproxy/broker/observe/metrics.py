"""A snapshot in Prometheus' text exposition format 0.0.4.

The numbers are the whole system's, whichever front tells them: where several fronts are scraped,
take the ``max``, never the ``sum``, over them.
"""

from collections.abc import Callable, Iterable, Iterator

from .groups import GroupStats
from .histogram import BOUNDS, Histogram
from .not_served import failures_of
from .processes import DRAINING, TIMED_OUT, WAITING
from .snapshot import QueueStats, Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
P = "queueproxy_"

Sample = tuple[dict[str, str], float]

# name, kind, what it is, and the value of one queue.
PER_QUEUE: tuple[tuple[str, str, str, Callable[[QueueStats], float]], ...] = (
    ("queue_depth", "gauge", "Requests waiting.", lambda q: q.depth),
    (
        "queue_oldest_wait_seconds",
        "gauge",
        "How long the oldest waiting request has waited.",
        lambda q: q.oldest_wait_seconds,
    ),
    ("queue_in_flight", "gauge", "Requests claimed and not yet answered.", lambda q: q.in_flight),
    ("queue_paused", "gauge", "1 while the queue is paused.", lambda q: int(q.paused)),
    (
        "requests_enqueued_total",
        "counter",
        "Requests put on a queue.",
        lambda q: q.enqueued_total,
    ),
    (
        "requests_redelivered_total",
        "counter",
        "Requests run again after a worker was lost.",
        lambda q: q.totals.get("redelivered", 0),
    ),
    (
        "requests_withdrawn_total",
        "counter",
        "Requests taken off before they started, their clients gone.",
        lambda q: q.totals.get("withdrawn", 0),
    ),
)
# Of requests that are to happen exactly once: the outcome, and how many of one queue.
OUTCOMES: tuple[tuple[str, Callable[[QueueStats], float]], ...] = (
    ("retried", lambda q: q.retried_total),
    ("replayed", lambda q: q.replayed_total),
    ("deferred", lambda q: q.deferred_total),
)
# Of a group, as above.
PER_GROUP: tuple[tuple[str, str, Callable[[GroupStats], float]], ...] = (
    ("group_running", "Requests of the group that run.", lambda g: g.running),
    ("group_waiting", "Requests of the group that wait.", lambda g: g.waiting),
    ("group_limit", "How many of the group may run at once.", lambda g: g.at_most),
)
HISTOGRAMS: tuple[tuple[str, str, Callable[[QueueStats], Histogram]], ...] = (
    ("request_wait_seconds", "From enqueue to claim.", lambda q: q.wait),
    ("request_processing_seconds", "From claim to the end of the answer.", lambda q: q.run),
    ("request_duration_seconds", "From enqueue to the end of the answer.", lambda q: q.duration),
)


def exposition(snapshot: Snapshot) -> str:
    """Spell out every metric of the whole system."""
    parts = (_per_queue, _per_group, _counters, _whole)
    return "\n".join(line for part in parts for line in part(snapshot)) + "\n"


def _per_queue(snapshot: Snapshot) -> Iterator[str]:
    for name, kind, text, value_of in PER_QUEUE:
        samples = (({"queue": queue.name}, value_of(queue)) for queue in snapshot.queues)
        yield from _metric(name, kind, text, samples)
    for name, text, histogram_of in HISTOGRAMS:
        histograms = ((queue.name, histogram_of(queue)) for queue in snapshot.queues)
        yield from _histogram(name, text, histograms)


def _per_group(snapshot: Snapshot) -> Iterator[str]:
    for name, text, value_of in PER_GROUP:
        samples = (({"group": group.name}, value_of(group)) for group in snapshot.groups)
        yield from _metric(name, "gauge", text, samples)


def _counters(snapshot: Snapshot) -> Iterator[str]:
    yield from _metric(
        "requests_completed_total",
        "counter",
        "Requests answered by a worker.",
        (
            ({"queue": q.name, "method": method, "code": code}, number)
            for q in snapshot.queues
            for (method, code), number in sorted(q.codes.items())
        ),
    )
    yield from _metric(
        "requests_failed_total",
        "counter",
        "Requests whose clients got no worker's answer, by reason.",
        (
            ({"queue": q.name, "reason": reason}, number)
            for q in snapshot.queues
            for reason, number in sorted(failures_of(q.totals).items())
        ),
    )
    yield from _metric(
        "exactly_once_total",
        "counter",
        "Requests to happen once: run again, answered from what was stored, or put off a second.",
        (
            ({"queue": q.name, "outcome": outcome}, number_of(q))
            for q in snapshot.queues
            for outcome, number_of in OUTCOMES
        ),
    )


def _whole(snapshot: Snapshot) -> Iterator[str]:
    held = sum(front["held"] for front in snapshot.fronts)
    yield from _metric("front_held_requests", "gauge", "Clients held by fronts.", [({}, held)])
    states = {"idle": 0, "busy": 0, DRAINING: 0, TIMED_OUT: 0, WAITING: 0}
    for worker in snapshot.workers:
        states[worker["state"]] = states.get(worker["state"], 0) + 1
    yield from _metric(
        "workers",
        "gauge",
        "Worker processes by state.",
        (({"state": state}, number) for state, number in states.items()),
    )
    yield from _metric(
        "workers_wanted",
        "gauge",
        "Worker processes that the load needs.",
        [({}, snapshot.scaling.wanted)],
    )
    yield from _metric("dead_letters", "gauge", "Dead letters kept.", [({}, snapshot.dead_letters)])


def _metric(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {P}{name} {text}"
    yield f"# TYPE {P}{name} {kind}"
    for labels, value in samples:
        # All digits: a counter cut to six of them would stand still for a while, then jump.
        yield f"{P}{name}{_labels(labels)} {value!r}"


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
