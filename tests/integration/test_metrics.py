"""What Prometheus is told: every metric of the design, checked by its own tool."""

import re
import shutil
import subprocess

import pytest

from queueproxy.broker.claims import REPLAYED
from queueproxy.broker.observe.histogram import BOUNDS
from queueproxy.broker.observe.metrics import exposition
from queueproxy.broker.observe.reader import SnapshotReader

from ..brokers import QUEUES, answer, ids_of
from ..kit.missing import Missing

# Each metric with the names of its labels.
METRICS = {
    "queueproxy_queue_depth": ("gauge", {"queue"}),
    "queueproxy_queue_oldest_wait_seconds": ("gauge", {"queue"}),
    "queueproxy_queue_in_flight": ("gauge", {"queue"}),
    "queueproxy_queue_paused": ("gauge", {"queue"}),
    "queueproxy_group_running": ("gauge", {"group"}),
    "queueproxy_group_waiting": ("gauge", {"group"}),
    "queueproxy_group_limit": ("gauge", {"group"}),
    "queueproxy_front_held_requests": ("gauge", set()),
    "queueproxy_workers": ("gauge", {"state"}),
    "queueproxy_workers_wanted": ("gauge", set()),
    "queueproxy_dead_letters": ("gauge", set()),
    "queueproxy_requests_enqueued_total": ("counter", {"queue"}),
    "queueproxy_requests_completed_total": ("counter", {"queue", "method", "code"}),
    "queueproxy_requests_failed_total": ("counter", {"queue", "reason"}),
    "queueproxy_exactly_once_total": ("counter", {"queue", "outcome"}),
    "queueproxy_requests_redelivered_total": ("counter", {"queue"}),
    "queueproxy_requests_withdrawn_total": ("counter", {"queue"}),
    "queueproxy_request_wait_seconds": ("histogram", {"queue"}),
    "queueproxy_request_processing_seconds": ("histogram", {"queue"}),
    "queueproxy_request_duration_seconds": ("histogram", {"queue"}),
}


def promtool(*words: str, stdin: str = "") -> subprocess.CompletedProcess:
    """Run Prometheus' own checker."""
    program = shutil.which("promtool")
    if program is None:
        raise Missing("promtool (Debian package prometheus)")
    return subprocess.run(
        [program, *words], input=stdin, capture_output=True, text=True, timeout=60
    )


def samples(text: str) -> list[tuple[str, dict[str, str], float]]:
    """Name, labels and value of each line."""
    found = []
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            found.append((name, pairs, float(value)))
    return found


def value_of(text: str, name: str, **labels: str) -> float:
    (value,) = [v for n, pairs, v in samples(text) if n == name and pairs == labels]
    return value


@pytest.fixture
async def eventful(kit):
    """A broker where everything has happened once."""
    front_broker, registration = await kit.front_broker(), kit.registration()
    await kit.put(front_broker, "answered", "left", "expired", "lost", "again")
    worker_broker = kit.worker_broker(registration)
    replayed = answer(worker_broker.settle_and_claim(None))._replace(once=REPLAYED)
    worker_broker.settle_and_claim(replayed, claim=False)
    worker_broker.close()
    await front_broker.withdraw(["left"])
    await front_broker.withdraw(["expired"], "expired")
    await kit.put(front_broker, "malformed", queue="low")
    for queue in ("default", "low"):
        loser = kit.registration()
        claim = kit.worker_broker(loser, queues=(queue,)).settle_and_claim(None)
        if queue == "low":
            refusal = answer(claim)._replace(outcome="malformed", frame=None)
            kit.worker_broker(loser).settle_and_claim(refusal, claim=False)
        loser.leave()
    await kit.put(front_broker, "limited", queue="high", group="/import/", at_most=4)
    kit.control().pause(["high"], 60, by="test")
    return kit


def text_of(kit) -> str:
    return exposition(SnapshotReader(kit.link(), QUEUES).snapshot())


async def test_every_metric_is_there_with_its_labels(eventful):
    text = text_of(eventful)
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert kinds == {name: kind for name, (kind, _) in METRICS.items()}
    labels: dict[str, set] = {}
    for name, pairs, _ in samples(text):
        base = re.sub("_(bucket|sum|count)$", "", name)
        labels.setdefault(base if kinds.get(base) == "histogram" else name, set()).update(pairs)
    wanted = {name: wanted for name, (_, wanted) in METRICS.items()}
    for name, (kind, _) in METRICS.items():
        wanted[name] = wanted[name] | ({"le"} if kind == "histogram" else set())
    assert labels == wanted


async def test_what_happened_is_what_is_told(eventful):
    text = text_of(eventful)
    for name, labels, value in [
        ("requests_enqueued_total", {"queue": "default"}, 5),
        ("requests_completed_total", {"queue": "default", "method": "GET", "code": "200"}, 1),
        ("requests_withdrawn_total", {"queue": "default"}, 1),
        ("requests_failed_total", {"queue": "default", "reason": "hold_expired"}, 1),
        ("requests_failed_total", {"queue": "low", "reason": "malformed"}, 1),
        ("requests_failed_total", {"queue": "low", "reason": "broker_away"}, 0),
        ("requests_redelivered_total", {"queue": "default"}, 1),
        ("exactly_once_total", {"queue": "default", "outcome": "replayed"}, 1),
        ("exactly_once_total", {"queue": "default", "outcome": "retried"}, 0),
        ("queue_depth", {"queue": "default"}, 2),
        ("group_running", {"group": "/import/"}, 0),
        ("group_waiting", {"group": "/import/"}, 1),
        ("group_limit", {"group": "/import/"}, 4),
        ("queue_in_flight", {"queue": "default"}, 0),
        ("queue_paused", {"queue": "high"}, 1),
        ("queue_paused", {"queue": "low"}, 0),
        ("front_held_requests", {}, 3),
        ("workers", {"state": "idle"}, 1),
        ("dead_letters", {}, 1),
        ("request_wait_seconds_count", {"queue": "default"}, 1),
        ("request_processing_seconds_count", {"queue": "default"}, 1),
        ("request_duration_seconds_count", {"queue": "default"}, 1),
    ]:
        assert value_of(text, f"queueproxy_{name}", **labels) == value, name


async def test_buckets_are_the_designs_and_add_up(eventful):
    text = text_of(eventful)
    for name in ("wait", "processing", "duration"):
        buckets = [
            (pairs["le"], value)
            for found, pairs, value in samples(text)
            if found == f"queueproxy_request_{name}_seconds_bucket" and pairs["queue"] == "default"
        ]
        assert [le for le, _ in buckets] == [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        counts = [value for _, value in buckets]
        assert counts == sorted(counts)
        assert counts[-1] == 1


async def test_large_totals_are_told_to_the_last_digit(kit):
    """With six digits a counter stands still and then jumps by ten, or by thousands."""
    kit.client.hset(kit.keys.named("stats", "low"), "enqueued", 123_456_789)
    text = text_of(kit)
    assert 'queueproxy_requests_enqueued_total{queue="low"} 123456789\n' in text


async def test_those_in_flight_when_the_hold_ends_are_counted(kit):
    """Each once, however often the withdrawal is sent."""
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a")
    worker_broker.settle_and_claim(None)
    for fate in ("in_flight", "gone"):
        assert await front_broker.withdraw(["a"], "expired") == [fate]
    labels = {"queue": "default", "reason": "hold_expired_started"}
    assert value_of(text_of(kit), "queueproxy_requests_failed_total", **labels) == 1


async def test_those_whose_hold_has_run_out_at_their_turn_are_counted(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", hold=0.0)
    assert ids_of(kit.worker_broker()) == []
    labels = {"queue": "default", "reason": "hold_expired"}
    assert value_of(text_of(kit), "queueproxy_requests_failed_total", **labels) == 1
    assert await kit.answers(front_broker) == {"a": ["hold_expired"]}


async def test_prometheus_finds_nothing_to_say(eventful):
    done = promtool("check", "metrics", stdin=text_of(eventful))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_prometheus_would_find_something(kit):
    done = promtool("check", "metrics", stdin="# TYPE bad_name counter\nbad_name 1\n")
    assert done.returncode != 0
