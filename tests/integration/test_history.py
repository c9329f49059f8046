"""The history: written once a second by whoever calls, read as rates, peaks, bands and marks."""

import json

import pytest

from queueproxy.broker.observe.history import (
    NOT_SERVED,
    WINDOWS,
    Window,
    as_columns,
    read_deploys,
    read_history,
)
from queueproxy.broker.registration import WorkerRegistration

from ..brokers import QUEUES, eventually

NOW = 1_800_000_000  # of rows made by hand
SECONDS = Window(900, 1, 1)


def put_row(kit, series: int, t: int, **default) -> None:
    """A row as the script writes it, with figures of the queue `default`."""
    names = ("depth", "in_flight", "oldest_ms", "enqueued", "completed", "waits", "paused")
    names += ("runs", "not_served")
    empty = dict.fromkeys(names, 0) | {"waits": [0] * 15, "runs": [0] * 15, "not_served": {}}
    row = {"t": t, "q": {"default": list((empty | default).values())}}
    kit.client.rpush(kit.keys.named("history", str(series)), json.dumps(row))


def columns_of(kit, window: Window, now: float = NOW, **options) -> dict:
    rows = read_history(kit.link(), window, now, **options)
    return as_columns(rows, QUEUES, window.step)


async def test_a_row_a_second_whoever_asks(kit):
    front_broker = await kit.front_broker()
    key = kit.keys.named("history", "1")
    for _ in range(20):
        await front_broker.sample()
    assert kit.client.llen(key) <= 2
    await kit.put(front_broker, "a", "b")
    first = kit.client.llen(key)

    async def sampled():
        await front_broker.sample()
        return kit.client.llen(key) > first

    await eventually(sampled)
    row = json.loads(kit.client.lindex(key, -1))
    assert set(row["q"]) == set(QUEUES)
    assert row["q"]["default"][0] == 2


async def test_rates_and_percentiles_are_differences(kit):
    waits = [0] * 15
    put_row(kit, 1, NOW - 12, enqueued=100, completed=90, waits=waits)
    waits = [*waits[:4], 8, *waits[5:]]  # eight waited between 0.05 and 0.1 s
    put_row(kit, 1, NOW - 2, enqueued=130, completed=110, waits=waits, depth=10, oldest_ms=2500)
    columns = columns_of(kit, Window(900, 1, 10))
    assert columns["t"] == [NOW - 2]
    assert (columns["arrivals"], columns["completions"]) == ([3.0], [2.0])
    assert (columns["depth"], columns["oldest"]) == ([10], [2.5])
    assert 0.05 <= columns["p50"][0] <= columns["p99"][0] <= 0.1


async def test_run_times_and_failures_are_differences(kit):
    runs = [0] * 15
    put_row(kit, 1, NOW - 12, runs=[9, *runs[1:]], not_served={"queue_full": 5, "5xx": 2})
    runs[6] = 4  # four ran for 0.25 to 0.5 s
    now = {"queue_full": 8, "5xx": 3, "worker_lost": 2, "view_timeout": 1, "of_tomorrow": 1}
    put_row(kit, 1, NOW - 2, runs=[9, *runs[1:]], not_served=now)
    columns = columns_of(kit, Window(900, 1, 10))
    assert 0.25 <= columns["run_p50"][0] <= columns["run_p99"][0] <= 0.5
    assert [columns[name] for name in NOT_SERVED] == [[3], [1], [3], [1]]


async def test_a_row_that_did_not_count_them_tells_nothing(kit):
    """Not that all failures there ever were came in one step: the release before wrote it."""
    old = {"t": NOW - 12, "q": {"default": [0, 0, 0, 0, 0, [0] * 15, 0]}}
    kit.client.rpush(kit.keys.named("history", "1"), json.dumps(old))
    put_row(kit, 1, NOW - 2, runs=[9] * 15, not_served={"queue_full": 8})
    columns = columns_of(kit, Window(900, 1, 10))
    assert columns["run_p50"] == columns["turned_away"] == columns["view_errors"] == [None]


async def test_a_row_has_run_times_and_failures(kit):
    stats = kit.keys.named("stats", "default")
    counts = {"run:7": 4, "failed:worker_lost": 2, "refused:queue_full": 3}
    kit.client.hset(stats, mapping=counts | {"code:GET:500": 1, "code:POST:503": 1})
    await (await kit.front_broker()).sample()
    (row,) = kit.client.lrange(kit.keys.named("history", "1"), 0, -1)
    *_, runs, not_served = json.loads(row)["q"]["default"]
    assert runs == [0] * 6 + [4] + [0] * 8
    assert not_served == {"worker_lost": 2, "queue_full": 3, "5xx": 2}
    assert json.loads(row)["q"]["low"][-1] == {}


async def test_no_percentile_is_longer_than_the_oldest_wait(kit):
    """Eight waited 11 s: somewhere in the bucket from 10 to 30, but nobody can have for 29."""
    put_row(kit, 1, NOW - 2, oldest_ms=11_000)
    put_row(kit, 1, NOW, waits=[0] * 11 + [8] + [0] * 3)
    assert columns_of(kit, Window(900, 1, 2))["p99"] == [14]


async def test_percentiles_are_unknown_where_nothing_was_claimed(kit):
    put_row(kit, 1, NOW - 1)
    put_row(kit, 1, NOW)
    columns = columns_of(kit, SECONDS)
    assert columns["p50"] == columns["p99"] == [None]


async def test_peaks_survive_the_thinning(kit):
    """Of a step the highest is kept, though most of its rows are not."""
    put_row(kit, 1, NOW - 10)
    for second in range(10):
        peak = {"depth": 50, "oldest_ms": 4000, "paused": 1} if second == 3 else {}
        put_row(kit, 1, NOW + second, **peak)
    columns = columns_of(kit, Window(900, 1, 10), NOW + 9)
    assert (columns["depth"], columns["oldest"], columns["paused"]) == ([50], [4.0], [1])


async def test_peaks_survive_in_the_coarser_series(kit):
    """Rows of ten seconds are made of those of one: a pause of three seconds shows in them."""
    front_broker = await kit.front_broker()
    now = kit.now_ms() // 1000
    put_row(kit, 1, now - 15, depth=900)  # before the span
    put_row(kit, 1, now - 4, depth=70, oldest_ms=5000, paused=1)
    put_row(kit, 1, now - 3)
    kit.client.hset(kit.keys.state, "sampled", now - 11)
    await front_broker.sample()
    (row,) = kit.client.lrange(kit.keys.named("history", "10"), 0, -1)
    depth, _, oldest_ms, _, _, _, paused, *_ = json.loads(row)["q"]["default"]
    assert (depth, oldest_ms, paused) == (70, 5000, 1)


async def test_only_what_is_new(kit):
    """The step that the last point lies in is told again: it may have had half of its rows."""
    for second in range(0, 60):
        put_row(kit, 1, NOW + second, enqueued=second)
    window = Window(900, 1, 10)
    whole = columns_of(kit, window, NOW + 59)
    assert whole["t"] == [NOW + 19, NOW + 29, NOW + 39, NOW + 49, NOW + 59]
    new = columns_of(kit, window, NOW + 59, after=NOW + 43)
    assert new["t"] == [NOW + 49, NOW + 59]
    assert new["arrivals"] == whole["arrivals"][-2:]


async def test_a_gap_is_not_drawn_across(kit):
    for t in (NOW - 100, NOW - 99, NOW - 1, NOW):
        put_row(kit, 1, t, depth=5)
    columns = columns_of(kit, SECONDS)
    assert columns["t"] == [NOW - 99, NOW - 98, NOW - 1, NOW]
    assert columns["depth"] == [5, None, 5, 5]


async def test_nothing_older_than_the_window(kit):
    for t in (NOW - 2000, NOW - 901, NOW - 900, NOW - 5, NOW):
        put_row(kit, 1, t)
    assert columns_of(kit, Window(900, 1, 1))["t"][0] == NOW - 900


@pytest.mark.parametrize("name", WINDOWS)
async def test_no_window_has_more_points_than_a_chart_can_show(name):
    window = WINDOWS[name]
    assert window.reach / window.step <= 450
    assert window.step % window.series == 0


async def test_without_rows(kit):
    assert columns_of(kit, SECONDS)["t"] == []
    assert read_deploys(kit.link(), 0) == []


def worker_of(kit, release: str) -> WorkerRegistration:
    info = {"host": "h", "pid": 1, "release": release}
    registration = WorkerRegistration(kit.broker, info, QUEUES)
    registration.join()
    return registration


def deploys_of(kit) -> list[str]:
    return [deploy.release for deploy in read_deploys(kit.link(), 0)]


async def test_workers_of_another_release_are_a_deploy(kit):
    old = [worker_of(kit, "one") for _ in range(2)]
    assert deploys_of(kit) == ["one"]
    new = worker_of(kit, "two")
    old[0].leave()
    worker_of(kit, "one")  # a process replaced before its turn in a rolling restart
    worker_of(kit, "two")
    assert deploys_of(kit) == ["one", "two"]
    assert abs(read_deploys(kit.link(), 0)[-1].t - kit.now_ms() / 1000) < 60
    for registration in (*old, new):
        registration.leave()
    assert read_deploys(kit.link(), kit.now_ms() / 1000 + 60) == []


async def test_the_same_release_again_is_no_deploy(kit):
    worker_of(kit, "one").leave()
    worker_of(kit, "one").leave()
    assert deploys_of(kit) == ["one"]
    worker_of(kit, "two").leave()
    worker_of(kit, "one").leave()  # rolled back
    assert deploys_of(kit) == ["one", "two", "one"]


async def test_workers_that_do_not_tell_their_release_are_no_deploy(kit):
    worker_of(kit, "").leave()
    kit.registration()
    assert deploys_of(kit) == []


async def test_a_worker_whose_info_cannot_be_read_keeps_nobody_out(kit):
    broken = kit.registration()
    kit.client.hset(kit.keys.named("worker", broken.worker), "info", "not JSON")
    worker_of(kit, "one")
    assert deploys_of(kit) == ["one"]


async def test_a_worker_tells_its_memory(kit):
    from queueproxy.broker.observe.reader import SnapshotReader

    registration = kit.registration()
    stats = SnapshotReader(kit.link(), QUEUES)
    assert stats.snapshot().workers[0]["memory_bytes"] == 0
    assert registration.beat("idle", 12_345)
    assert stats.snapshot().workers[0]["memory_bytes"] == 12_345
