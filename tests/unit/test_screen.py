"""The state as text: aligned, what is wrong on top, and nothing of strangers is obeyed."""

import pytest

from queueproxy.broker.observe.groups import GroupStats
from queueproxy.broker.observe.histogram import Histogram, bucket_of
from queueproxy.broker.observe.not_served import not_served
from queueproxy.broker.observe.scaling import Scaling, SupervisorScaling
from queueproxy.broker.observe.snapshot import QueueStats, Snapshot
from queueproxy.cli.screen import as_text, screen
from queueproxy.wording import printable

ESCAPE = "\x1b[31m\x1b]0;title\x07"


def queue(name: str, **values) -> QueueStats:
    stats = QueueStats(name, **values)
    stats.recent = Histogram()
    stats.recent.buckets[bucket_of(0.2)] = 100
    stats.recent_runs = Histogram()
    stats.recent_runs.buckets[bucket_of(0.02)] = 100
    stats.set_percentiles()
    return stats


def worker(number: int, *current: dict, **values) -> dict:
    return {
        "id": f"web{number}:10{number}:abcd",
        "host": f"web{number}",
        "pid": 100 + number,
        "name": "",
        "state": "busy" if current else "idle",
        "threads": 4,
        "completed_total": 12 * number,
        "current": list(current),
        **values,
    }


def request(path: str, thread: int = 0) -> dict:
    return {"method": "GET", "path": path, "seconds": 1.25, "thread": thread}


def front() -> dict:
    return {"id": "f", "host": "web1", "pid": 7, "held": 3, "age_seconds": 7200.0}


def snapshot(**values) -> Snapshot:
    whole = {
        "now": 1_800_000_000.0,
        "server": "valkey",
        "version": "9.1.2",
        "memory_bytes": 3 << 20,
        "queues": [queue("high"), queue("default", depth=12), queue("low")],
        "fronts": [front()],
        "workers": [worker(1, request("/a/"), request("/b/", 3)), worker(2)],
        "dead_letters": 0,
    }
    return Snapshot(**{**whole, **values})


def text_of(width: int = 80, **values) -> str:
    return as_text(screen(snapshot(**values), 60, width), width=width)


def lines_with(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_a_healthy_system_fits_a_small_terminal():
    text = text_of()
    lines = text.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0] == "valkey 9.1.2 · 3.0 MiB · 1 front · 2 workers · 3 held"
    assert lines[1] == ""  # nothing is wrong
    assert "3.0 of 64 MiB" in text_of(memory_limit_bytes=64 << 20)


ALL = "depth running oldest in/s out/s wait p50 p95 p99 run p50 p95 p99 done"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, ALL),
        (85, "depth running oldest in/s out/s wait p50 p95 p99 run p95 done"),
        (80, "depth running oldest in/s out/s wait p50 p95 p99 run p95"),
        (70, "depth running oldest in/s out/s wait p95 run p95"),
        (60, "depth running oldest out/s wait p95 run p95"),
        (42, "depth running oldest wait p95"),
        (32, "depth running oldest"),
        (24, "depth oldest"),
    ],
)
def test_a_narrow_terminal_has_fewer_columns(width, shown):
    lines = text_of(width).splitlines()
    (header,) = [line for line in lines if line.startswith("queue")]
    assert " ".join(header.split()) == f"queue {shown}"
    assert max(map(len, lines)) <= width
    rows = [line for line in lines if line.startswith(("high", "default", "low", "all"))]
    assert {len(row) for row in rows} == {len(header)}  # nothing is cut


def test_a_first_percentile_says_what_it_is_of():
    (header,) = lines_with(text_of(120), "depth")
    assert " ".join(header.split()).endswith(ALL)
    (header,) = lines_with(text_of(60), "depth")
    assert "wait p95  run p95" in header


def test_what_was_not_served_as_wanted():
    failures = not_served({"queue_full": 8, "worker_lost": 2})
    text = text_of(queues=[queue("low", not_served=failures)], width=120)
    said = "In 5 min: 8 turned away, 2 lost (queue full: 8, worker lost: 2)."
    assert text.splitlines()[1] == said


def test_workers_on_a_narrow_terminal_say_what_they_do():
    for width in (80, 60, 40):
        (line,) = lines_with(text_of(width), "web1:101")
        assert "GET" in line
    assert "busy" in lines_with(text_of(60), "web1:101")[0]
    assert "busy" not in lines_with(text_of(40), "web1:101")[0]


def test_columns_are_aligned():
    header, *rows = [line for line in text_of().splitlines() if line.startswith(("queue", "all"))]
    depth = header.index("depth") + len("depth")
    assert rows[0][:depth].endswith(" 12")
    ends = {len(line) for line in text_of().splitlines() if line.startswith(("high", "low", "all"))}
    assert len(ends) == 1


def test_each_thread_has_a_line():
    text = text_of()
    (first,) = lines_with(text, "/a/")
    (second,) = lines_with(text, "/b/")
    assert first.startswith("web1:101")
    assert first.endswith("0:  1.2 s GET /a/")
    assert second.endswith("3:  1.2 s GET /b/")
    assert first.index("GET") == second.index("GET")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"workers": []}, "No workers: requests wait until one starts."),
        ({"fronts": []}, "No front: nobody accepts requests."),
        ({"dead_letters": 1}, "1 dead letter: manage.py queueproxy dead list"),
        ({"queues": [queue("low", pace=20.0)]}, "low is let out at 20 a second."),
        (
            {"queues": [queue("low", depth=1, oldest_wait_seconds=31.0)]},
            "low: oldest wait 31.0 s of 60 s; first client is turned away in 29.0 s.",
        ),
        (
            {"queues": [queue("low", depth=1, oldest_wait_seconds=60.0)]},
            "low: oldest wait 60.0 s of 60 s.",
        ),
    ],
)
def test_what_is_wrong_is_on_top(values, said):
    assert text_of(**values).splitlines()[1] == said


def test_a_pause_is_told_with_all_that_is_known():
    details = {"by": "ann@web1", "reason": "disk", "since": 1_799_999_970, "until": 1_800_000_025.0}
    line = text_of(queues=[queue("low", paused=True, pause=details)]).splitlines()[1]
    assert line.startswith("low is paused by ann@web1 since ")
    assert line.endswith("(30.0 s), for 25.0 s more: disk")
    details = {"by": "ann@web1", "reason": "migrate", "since": 1_799_999_990, "hold": "token"}
    line = text_of(120, queues=[queue("low", paused=True, pause=details)]).splitlines()[1]
    assert line.endswith("(10.0 s), for as long as the command runs: migrate")


def test_pending_migrations_show():
    (line,) = lines_with(text_of(workers=[worker(1, pending_migrations=2)]), "web1:101")
    assert line.endswith("2 migrations not applied")


def test_strangers_text_is_not_obeyed():
    hostile = text_of(
        200,
        workers=[worker(1, request(f"/{ESCAPE}[red]/"), name=ESCAPE)],
        queues=[queue("low", paused=True, pause={"by": ESCAPE, "reason": f"a{ESCAPE}\nb"})],
    )
    assert "\x1b" not in hostile
    assert "\x07" not in hostile
    assert "[red]" in hostile  # nor taken for markup
    assert printable("é☃ok\u202e\x00") == "é☃ok??"


def test_a_request_that_can_not_be_read():
    text = text_of(workers=[worker(1, {**request("/"), "method": None, "path": None})])
    assert lines_with(text, "? ?")


def test_limited_views_say_how_many_run_and_wait():
    groups = [GroupStats("/import/", 4, 4, 12), GroupStats(f"r{ESCAPE}", 2, 1, 0)]
    text = text_of(groups=groups)
    assert lines_with(text, "/import/") == ["/import/ 4 of 4, 12 wait"]
    (other,) = lines_with(text, "1 of 2")
    assert ESCAPE not in other


def test_what_became_of_what_is_to_happen_once():
    assert not lines_with(text_of(), "exactly once")
    counted = queue("high", retried_total=3, replayed_total=2, deferred_total=1)
    text = text_of(queues=[queue("low"), counted])
    told = "high exactly once: 3 run again, 2 replayed, 1 put off"
    assert lines_with(text, "exactly once") == [told]


def test_many_workers_are_one_line_each():
    text = text_of(workers=[worker(n) for n in range(40)])
    assert len(lines_with(text, "idle")) == 40


@pytest.mark.parametrize(
    ("seconds", "threads", "told"), [(61, 1, True), (60, 1, False), (61, 2, False)]
)
def test_threads_that_are_all_past_the_hold_are_told(seconds, threads, told):
    """At MAX_HOLD itself a client may still get its answer."""
    late = worker(1, {**request("/hangs/"), "seconds": seconds}, threads=threads)
    text = text_of(width=200, workers=[late])
    assert ("Every thread has run" in text) is told
    if told:
        assert "GET /hangs/" in lines_with(text, "Every thread")[0]


def test_supervisors_that_follow_the_load():
    one = SupervisorScaling(
        supervisor=f"web1:7{ESCAPE}",
        wanted=5,
        running=3,
        least=2,
        most=16,
        slots=4,
        queues=["default"],
        serves=True,
        why="the load needs 5",
    )
    text = text_of(width=120, scaling=Scaling(5, 3, "the load needs 5", [one]))
    (line,) = lines_with(text, "wanted")
    assert line.startswith("web1:7")
    assert line.endswith(": 5 processes wanted (2 to 16), 3 running: the load needs 5")
    assert "\x1b" not in text
    assert not lines_with(text_of(), "wanted")
