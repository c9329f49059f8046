"""What the broker tells: counted, not guessed, and at a cost that does not grow with the depth."""

import json
from typing import NamedTuple

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.observe.histogram import BOUNDS, bucket_of
from queueproxy.broker.observe.processes import read_fronts, read_leases, read_workers
from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.observe.values import ValueReader
from queueproxy.records import Activation
from queueproxy.worker.lost_worker import held_by

from ..brokers import QUEUES, BrokerKit, answer, eventually, ids_of

DEEP = 5000
# A view's times in seconds, and how many requests take each: p50 0.03, p95 0.4, p99 2.
KNOWN_LOAD = [(0.003, 40), (0.03, 50), (0.4, 8), (2.0, 2)]


def stats_of(kit: BrokerKit) -> SnapshotReader:
    return SnapshotReader(kit.link(), QUEUES)


def queue_of(snapshot, name="default"):
    return next(queue for queue in snapshot.queues if queue.name == name)


async def test_at_rest(kit):
    snapshot = stats_of(kit).snapshot()
    assert [queue.name for queue in snapshot.queues] == list(QUEUES)
    assert snapshot.workers == snapshot.fronts == []
    queue = queue_of(snapshot)
    assert (queue.depth, queue.in_flight, queue.oldest_wait_seconds) == (0, 0, 0.0)
    assert queue.wait_p50_seconds is None
    assert snapshot.server in ("valkey", "redis")
    assert snapshot.memory_bytes > 0


async def test_what_one_worker_runs_and_for_how_long(kit):
    front_broker, registration = await kit.front_broker(), kit.registration()
    await kit.put(front_broker, "a", "b")
    kit.worker_broker(registration, 0).settle_and_claim(None)
    kit.worker_broker(kit.registration(), 0).settle_and_claim(None)  # another's
    link = kit.link()
    await eventually(lambda: held_by(link, registration.worker)[0]["seconds"] > 0.05)
    (held,) = held_by(link, registration.worker)
    assert (held["path"], held["attempt"]) == ("/a", 1)
    assert held["seconds"] < 60


async def test_what_waits_and_what_runs(kit):
    stats, front_broker, registration = stats_of(kit), await kit.front_broker(), kit.registration()
    await kit.put(front_broker, "a", "b", "c")
    first, second = kit.worker_broker(registration, 0), kit.worker_broker(registration, 1)
    claim = first.settle_and_claim(None)
    second.settle_and_claim(None)
    await eventually(lambda: queue_of(stats.snapshot()).oldest_wait_seconds > 0.05)
    snapshot = stats.snapshot()
    queue = queue_of(snapshot)
    assert (queue.depth, queue.in_flight, queue.enqueued_total) == (1, 2, 3)
    (worker,) = snapshot.workers
    assert (worker["id"], worker["state"]) == (registration.worker, "busy")
    assert [
        (now["thread"], now["method"], now["path"], now["request_id"], now["queue"])
        for now in worker["current"]
    ] == [(0, "GET", "/a", "request-a", "default"), (1, "GET", "/b", "request-b", "default")]
    assert all(0 <= now["seconds"] < 60 for now in worker["current"])
    (front,) = snapshot.fronts
    assert (front["id"], front["held"]) == ("front-1", 3)
    first.settle_and_claim(answer(claim), claim=False)
    first.counts.report(first.worker)
    snapshot = stats.snapshot()
    assert (queue_of(snapshot).in_flight, queue_of(snapshot).completed_total) == (1, 1)
    assert snapshot.workers[0]["completed_total"] == 1


async def test_what_has_gone_since_the_lists_were_read_is_left_out(kit):
    await kit.put(await kit.front_broker(), "a")
    worker_broker = kit.worker_broker(kit.registration())
    claim = worker_broker.settle_and_claim(None)
    values = ValueReader(kit.link())
    (flat,) = values.ask([("HGETALL", kit.keys.leases)])
    leases = read_leases(values, flat)
    worker_broker.settle_and_claim(answer(claim), claim=False)
    ids = [worker_broker.worker, "one-that-left"]
    (worker,) = read_workers(values, ids, leases, 0.0, 0, Activation(0))
    assert (worker["state"], worker["current"]) == ("idle", [])
    assert [one["id"] for one in read_fronts(values, ["front-1", "another"], 0.0)] == ["front-1"]
    assert values.unreadable == 0


async def test_the_oldest_may_be_one_handed_back(kit):
    stats, front_broker, registration = stats_of(kit), await kit.front_broker(), kit.registration()
    await kit.put(front_broker, "a")
    kit.worker_broker(registration).settle_and_claim(None)
    await eventually(lambda: kit.now_ms() > int(entry_of(kit)) + 200)
    await kit.put(front_broker, "b")
    registration.leave()  # a goes back to the head
    queue = queue_of(stats.snapshot())
    assert queue.depth == 2
    assert queue.oldest_wait_seconds >= 0.2


async def test_the_oldest_may_be_put_off_behind_a_younger_one(kit):
    stats, control = stats_of(kit), kit.control()
    front_broker, registration = await kit.front_broker(), kit.registration()
    await kit.put(front_broker, "a")
    await eventually(lambda: kit.now_ms() > int(entry_of(kit)) + 200)
    await kit.put(front_broker, "b")
    threads = [kit.worker_broker(registration, number) for number in range(2)]
    claims = [thread.settle_and_claim(None) for thread in threads]
    for thread, claim in reversed([*zip(threads, claims, strict=True)]):
        await kit.lease_time_after(kit.clock_ms())
        thread.settle_and_claim(Settlement(claim, "deferred"), claim=False)
    members = kit.client.zrange(kit.keys.named("returned", "default"), 0, -1)
    assert members == sorted(members, reverse=True)
    assert queue_of(stats.snapshot()).oldest_wait_seconds >= 0.2
    assert [waiting.path for waiting in control.oldest(QUEUES, 1)] == ["/a"]
    kit.client.hdel(kit.keys.state, "sampled")  # it is due now
    await front_broker.sample()
    (row,) = kit.client.lrange(kit.keys.named("history", "1"), -1, -1)
    assert json.loads(row)["q"]["default"][2] >= 200


def entry_of(kit: BrokerKit) -> str:
    return kit.client.xrange(kit.keys.named("queue", "default"))[0][0].split(b"-")[0]


async def test_whatever_a_worker_tells_of_itself_is_passed_on(kit):
    registration = kit.registration()
    kit.client.hset(
        kit.keys.named("worker", registration.worker),
        "info",
        b'{"host": "h", "pid": 3, "pending_migrations": 2, "release": "r7"}',
    )
    (worker,) = stats_of(kit).snapshot().workers
    assert (worker["pending_migrations"], worker["release"]) == (2, "r7")
    assert (worker["threads"], worker["state"]) == (1, "idle")
    kit.client.hset(kit.keys.named("worker", registration.worker), "info", b"\xff not JSON")
    (worker,) = stats_of(kit).snapshot().workers
    assert worker["pid"] is None


async def test_a_pause_and_a_pace_show(kit):
    control, front_broker, stats = kit.control(), await kit.front_broker(), stats_of(kit)
    await kit.put(front_broker, "a", "b")
    control.pause(["default"], 60, by="alice", reason="disk")
    queue = queue_of(stats.snapshot())
    assert queue.paused
    assert (queue.pause["by"], queue.pause["reason"]) == ("alice", "disk")
    assert 55 < queue.pause["until"] - kit.now_ms() / 1000 <= 60
    control.resume(["default"], rate=20)
    queue = queue_of(stats.snapshot())
    assert (queue.paused, queue.pause, queue.pace) == (False, None, 20)


async def test_percentiles_of_a_known_load(kit):
    """Within one bucket; the broker sums what several threads counted."""
    front_broker, registration = await kit.front_broker(), kit.registration()
    worker_brokers = [kit.worker_broker(registration, number) for number in range(3)]
    times = [seconds for seconds, number in KNOWN_LOAD for _ in range(number)]
    for number in range(0, len(times), 50):
        await kit.put(front_broker, *(f"r{n}" for n in range(number, number + 50)))
    for number, seconds in enumerate(times):
        worker_broker = worker_brokers[number % 3]
        claim = worker_broker.settle_and_claim(None)
        worker_broker.settle_and_claim(answer(claim)._replace(ran=seconds), claim=False)
    for worker_broker in worker_brokers:
        worker_broker.counts.report(worker_broker.worker)
    queue = queue_of(stats_of(kit).snapshot())
    assert queue.run.count == queue.wait.count == queue.duration.count == len(times)
    assert queue.run.seconds == pytest.approx(sum(times))
    for name, true in (("p50", 0.03), ("p95", 0.4), ("p99", 2.0)):
        assert bucket_of(getattr(queue, f"run_{name}_seconds")) == bucket_of(true), name
    for run, whole in zip(cumulated(queue.run), cumulated(queue.duration), strict=True):
        assert whole <= run  # no request is over sooner than it has run


def cumulated(histogram) -> list[int]:
    return [sum(histogram.buckets[: at + 1]) for at in range(len(BOUNDS))]


async def test_waits_of_long_ago_do_not_count_as_recent(kit):
    """Percentiles of the wait are those of the last rows of history, not since the beginning."""
    front_broker, worker_broker, stats = (
        await kit.front_broker(),
        kit.worker_broker(),
        stats_of(kit),
    )
    await kit.put(front_broker, "a")
    await eventually(lambda: kit.now_ms() > int(entry_of(kit)) + 600)
    ids_of(worker_broker)
    worker_broker.counts.report(worker_broker.worker)
    assert bucket_of(queue_of(stats.snapshot()).wait_p50_seconds) >= bucket_of(0.6)
    await front_broker.sample()
    history = kit.keys.named("history", "1")
    row = await eventually(lambda: kit.client.lindex(history, -1))
    for _ in range(299):  # five minutes of nothing
        kit.client.rpush(history, row)
    assert queue_of(stats.snapshot()).wait_p50_seconds is None
    await kit.put(front_broker, "b")
    ids_of(worker_broker)
    worker_broker.counts.report(worker_broker.worker)
    assert queue_of(stats.snapshot()).wait_p50_seconds < 0.5


async def test_what_was_not_served_in_the_last_minutes(kit):
    stats, control = stats_of(kit), kit.control()
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", most=1)
    await kit.put(front_broker, "b")
    registration = kit.registration()
    kit.worker_broker(registration).settle_and_claim(None)
    registration.leave()  # with a, which runs once
    (waiting,) = control.oldest(QUEUES, 10)
    assert control.operator_withdraw("default", waiting.entry)
    found = queue_of(stats.snapshot()).not_served
    assert (found.lost, found.turned_away, found.too_late, found.view_errors) == (1, 1, 0, 0)
    assert found.by_reason == {"worker_lost": 1, "withdrawn": 1}
    assert stats.snapshot().as_status()["queues"][1]["not_served"]["by_reason"] == found.by_reason
    assert stats.snapshot().not_served(without="default").text == ""
    await front_broker.sample()
    history = kit.keys.named("history", "1")
    row = await eventually(lambda: kit.client.lindex(history, -1))
    for _ in range(299):
        kit.client.rpush(history, row)
    assert stats.snapshot().not_served().text == ""


async def test_run_times_of_long_ago_do_not_count_as_recent(kit):
    stats = stats_of(kit)
    kit.client.hset(kit.keys.named("stats", "default"), mapping={"run:7": 4, "failed:x": 2})
    assert 0.25 < queue_of(stats.snapshot()).run_p50_seconds < 0.5
    old = {"t": 1, "q": {"default": [0, 0, 0, 0, 0, [0] * 15, 0]}}  # of a release before
    kit.client.rpush(kit.keys.named("history", "1"), *[json.dumps(old)] * 300)
    queue = queue_of(stats.snapshot())
    assert queue.run_p50_seconds is None
    assert queue.not_served.by_reason == {}


async def test_totals_never_fall(kit):
    """Through answers, withdrawals, losses, retries and a worker's end."""
    front_broker, stats = await kit.front_broker(), stats_of(kit)
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
        registration = kit.registration()
        worker_broker = kit.worker_broker(registration)
        await kit.put(front_broker, *(f"{turn}-{n}" for n in range(5)), most=1 + turn % 2)
        look()
        claim = worker_broker.settle_and_claim(None)
        await front_broker.withdraw([f"{turn}-4"])
        look()
        lost = worker_broker.settle_and_claim(answer(claim))
        assert lost is not None
        worker_broker.close()
        registration.leave()
        look()
        ids_of(kit.worker_broker())
        look()
    assert seen["enqueued"] == 20
    assert seen["completed"] > 0


async def test_it_costs_the_same_at_any_depth(broker):
    """The same commands, answers of the same size, no more of the server's time."""
    kit = BrokerKit(broker.url, depth=2 * DEEP)
    stats, front_broker = stats_of(kit), await kit.front_broker()
    kit.registration()
    stats.snapshot()  # connects
    costs, sent = [], 0
    for depth in (10, DEEP):
        for number in range(sent, depth, 10):
            await kit.put(front_broker, *(f"r{number + n}" for n in range(10)), hold=600)
        sent = depth
        assert queue_of(stats.snapshot()).depth == depth
        # The least of some: the server may have been interrupted in any of them.
        some = [cost_of(kit, stats) for _ in range(5)]
        costs.append(min(some, key=lambda cost: cost.seconds))
    await kit.close()
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


def cost_of(kit: BrokerKit, stats: SnapshotReader) -> Cost:
    client = kit.client
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
