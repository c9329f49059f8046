"""What the broker tells: counted, not guessed, and at a cost that does not grow with the depth."""

from typing import NamedTuple

import pytest

from queueproxy.broker.histogram import BOUNDS, bucket_of
from queueproxy.broker.stats import Stats

from ..brokers import QUEUES, Office, answer, eventually, ids_of

DEEP = 5000
# A view's times in seconds, and how many requests take each: p50 0.03, p95 0.4, p99 2.
KNOWN_LOAD = [(0.003, 40), (0.03, 50), (0.4, 8), (2.0, 2)]


def stats_of(office: Office) -> Stats:
    return Stats(office.link(), QUEUES)


def queue_of(snapshot, name="default"):
    return next(queue for queue in snapshot.queues if queue.name == name)


async def test_at_rest(office):
    snapshot = stats_of(office).snapshot()
    assert [queue.name for queue in snapshot.queues] == list(QUEUES)
    assert snapshot.workers == snapshot.fronts == []
    queue = queue_of(snapshot)
    assert (queue.depth, queue.in_flight, queue.oldest_wait_seconds) == (0, 0, 0.0)
    assert queue.wait_p50_seconds is None
    assert snapshot.server in ("valkey", "redis")
    assert snapshot.memory_bytes > 0


async def test_what_waits_and_what_runs(office):
    stats, desk, member = stats_of(office), await office.desk(), office.member()
    await office.put(desk, "a", "b", "c")
    first, second = office.seat(member, 0), office.seat(member, 1)
    claim = first.turn(None)
    second.turn(None)
    await eventually(lambda: queue_of(stats.snapshot()).oldest_wait_seconds > 0.05)
    snapshot = stats.snapshot()
    queue = queue_of(snapshot)
    assert (queue.depth, queue.in_flight, queue.enqueued_total) == (1, 2, 3)
    (worker,) = snapshot.workers
    assert (worker["id"], worker["state"]) == (member.worker, "busy")
    assert [
        (now["thread"], now["method"], now["path"], now["request_id"], now["queue"])
        for now in worker["current"]
    ] == [(0, "GET", "/a", "request-a", "default"), (1, "GET", "/b", "request-b", "default")]
    assert all(0 <= now["seconds"] < 60 for now in worker["current"])
    (front,) = snapshot.fronts
    assert (front["id"], front["held"]) == ("front-1", 3)
    first.turn(answer(claim), claim=False)
    first.send_tally()
    snapshot = stats.snapshot()
    assert (queue_of(snapshot).in_flight, queue_of(snapshot).completed_total) == (1, 1)
    assert snapshot.workers[0]["completed_total"] == 1


async def test_the_oldest_may_be_one_handed_back(office):
    stats, desk, member = stats_of(office), await office.desk(), office.member()
    await office.put(desk, "a")
    office.seat(member).turn(None)
    await eventually(lambda: office.now_ms() > int(entry_of(office)) + 200)
    await office.put(desk, "b")
    member.leave()  # a goes back to the head
    queue = queue_of(stats.snapshot())
    assert queue.depth == 2
    assert queue.oldest_wait_seconds >= 0.2


def entry_of(office: Office) -> str:
    return office.client.xrange(office.keys.named("queue", "default"))[0][0].split(b"-")[0]


async def test_whatever_a_worker_tells_of_itself_is_passed_on(office):
    member = office.member()
    office.client.hset(
        office.keys.named("worker", member.worker),
        "info",
        b'{"host": "h", "pid": 3, "pending_migrations": 2, "release": "r7"}',
    )
    (worker,) = stats_of(office).snapshot().workers
    assert (worker["pending_migrations"], worker["release"]) == (2, "r7")
    assert (worker["threads"], worker["state"]) == (1, "idle")
    office.client.hset(office.keys.named("worker", member.worker), "info", b"\xff not JSON")
    (worker,) = stats_of(office).snapshot().workers
    assert worker["pid"] is None


async def test_a_pause_and_a_pace_show(office):
    control, desk, stats = office.control(), await office.desk(), stats_of(office)
    await office.put(desk, "a", "b")
    control.pause(["default"], 60, by="alice", reason="disk")
    queue = queue_of(stats.snapshot())
    assert queue.paused
    assert (queue.pause["by"], queue.pause["reason"]) == ("alice", "disk")
    assert 55 < queue.pause["until"] - office.now_ms() / 1000 <= 60
    control.resume(["default"], rate=20)
    queue = queue_of(stats.snapshot())
    assert (queue.paused, queue.pause, queue.pace) == (False, None, 20)


async def test_percentiles_of_a_known_load(office):
    """Within one bucket; the broker sums what several threads counted."""
    desk, member = await office.desk(), office.member()
    seats = [office.seat(member, number) for number in range(3)]
    times = [seconds for seconds, number in KNOWN_LOAD for _ in range(number)]
    for number in range(0, len(times), 50):
        await office.put(desk, *(f"r{n}" for n in range(number, number + 50)))
    for number, seconds in enumerate(times):
        seat = seats[number % 3]
        claim = seat.turn(None)
        seat.turn(answer(claim)._replace(ran=seconds), claim=False)
    for seat in seats:
        seat.send_tally()
    queue = queue_of(stats_of(office).snapshot())
    assert queue.run.count == queue.wait.count == queue.duration.count == len(times)
    assert queue.run.seconds == pytest.approx(sum(times))
    for name, true in (("p50", 0.03), ("p95", 0.4), ("p99", 2.0)):
        assert bucket_of(getattr(queue, f"run_{name}_seconds")) == bucket_of(true), name
    for run, whole in zip(cumulated(queue.run), cumulated(queue.duration), strict=True):
        assert whole <= run  # no request is over sooner than it has run


def cumulated(histogram) -> list[int]:
    return [sum(histogram.buckets[: at + 1]) for at in range(len(BOUNDS))]


async def test_waits_of_long_ago_do_not_count_as_recent(office):
    """Percentiles of the wait are those of the last rows of history, not since the beginning."""
    desk, seat, stats = await office.desk(), office.seat(), stats_of(office)
    await office.put(desk, "a")
    await eventually(lambda: office.now_ms() > int(entry_of(office)) + 600)
    ids_of(seat)
    seat.send_tally()
    assert bucket_of(queue_of(stats.snapshot()).wait_p50_seconds) >= bucket_of(0.6)
    await desk.sample()
    history = office.keys.named("history", "1")
    row = await eventually(lambda: office.client.lindex(history, -1))
    for _ in range(299):  # five minutes of nothing
        office.client.rpush(history, row)
    assert queue_of(stats.snapshot()).wait_p50_seconds is None
    await office.put(desk, "b")
    ids_of(seat)
    seat.send_tally()
    assert queue_of(stats.snapshot()).wait_p50_seconds < 0.5


async def test_totals_never_fall(office):
    """Through answers, withdrawals, losses, retries and a worker's end."""
    desk, stats = await office.desk(), stats_of(office)
    seen: dict[str, float] = {}

    def look() -> None:
        queue = queue_of(stats.snapshot())
        now = {f"total {name}": value for name, value in queue.totals.items()}
        now |= {f"code {code}": value for code, value in queue.codes.items()}
        now |= {"enqueued": queue.enqueued_total, "completed": queue.completed_total}
        now |= {f"wait {at}": value for at, value in enumerate(queue.wait.buckets)}
        for name, before in seen.items():
            assert now[name] >= before, name
        seen.update(now)

    for turn in range(4):
        member = office.member()
        seat = office.seat(member)
        await office.put(desk, *(f"{turn}-{n}" for n in range(5)), most=1 + turn % 2)
        look()
        claim = seat.turn(None)
        await desk.withdraw([f"{turn}-4"])
        look()
        lost = seat.turn(answer(claim))
        assert lost is not None
        seat.close()
        member.leave()
        look()
        ids_of(office.seat())
        look()
    assert seen["enqueued"] == 20
    assert seen["completed"] > 0


async def test_it_costs_the_same_at_any_depth(broker):
    """The same commands, answers of the same size, no more of the server's time."""
    office = Office(broker.url, depth=2 * DEEP)
    stats, desk = stats_of(office), await office.desk()
    office.member()
    stats.snapshot()  # connects
    costs, sent = [], 0
    for depth in (10, DEEP):
        for number in range(sent, depth, 10):
            await office.put(desk, *(f"r{number + n}" for n in range(10)), hold=600)
        sent = depth
        assert queue_of(stats.snapshot()).depth == depth
        costs.append(cost_of(office, stats))
    await office.close()
    shallow, deep = costs
    assert deep.calls == shallow.calls
    assert sum(deep.calls.values()) < 30
    assert deep.bytes < shallow.bytes + 500  # the numbers themselves grow longer
    assert deep.seconds < shallow.seconds + 0.05  # going through 5,000 entries takes more


class Cost(NamedTuple):
    """Of one snapshot: calls by command, bytes answered, seconds of the server."""

    calls: dict[str, int]
    bytes: int
    seconds: float


def cost_of(office: Office, stats: Stats) -> Cost:
    client = office.client
    client.config_resetstat()
    before = client.info("stats")["total_net_output_bytes"]
    stats.snapshot()
    after = client.info("stats")["total_net_output_bytes"]
    told = {"cmdstat_info", "cmdstat_config|resetstat"}
    used = {k: v for k, v in client.info("commandstats").items() if k not in told}
    return Cost(
        {name: stat["calls"] for name, stat in used.items()},
        after - before,
        sum(stat["usec"] for stat in used.values()) / 1e6,
    )
