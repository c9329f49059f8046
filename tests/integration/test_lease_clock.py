"""Leases, pauses and waits, when the broker is frozen or its clock jumps (P3, P7, P13)."""

import json
from functools import partial
from time import monotonic

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.operate.hold import Hold

from ..brokers import ABOUT, QUEUES, BrokerKit, answer, eventually, ids_of
from ..kit.waiting import wait_until

HOUR = 3600  # seconds
LEASE = 2.0  # seconds


@pytest.fixture
async def kit(shifted):
    shifted.shift(0)
    shifted.client().flushall()
    kit = BrokerKit(shifted.url, lease=LEASE)
    yield kit
    await kit.close()


@pytest.fixture(params=[HOUR, -HOUR, 3 * LEASE], ids=["an hour ahead", "an hour back", "3 leases"])
def jump(request, shifted):
    """Sets the server's clock; to the scripts a freeze of three leases is a jump too."""
    return lambda: shifted.shift(int(request.param))


def queue_of(kit, name="default"):
    found = SnapshotReader(kit.link(), QUEUES).snapshot().queues
    return next(queue for queue in found if queue.name == name)


async def test_nobody_is_given_up(kit, jump):
    front, registration = await kit.front_broker(), kit.registration()
    running, idle = kit.worker_broker(registration), kit.worker_broker()
    await kit.put(front, "post", "get", most=1)
    await kit.put(front, "waits", most=1)
    claims = [kit.worker_broker(registration, 1).settle_and_claim(None)]
    claims.append(running.settle_and_claim(None))
    jump()
    assert registration.beat("busy")  # who comes first sweeps
    await front.beat()
    assert ids_of(idle) == ["waits"]
    running.settle_and_claim(answer(claims[1]), claim=False)
    assert await kit.answers(front) == {"waits": ["200"], "get": ["200"]}
    assert kit.control().dead_letters() == []
    assert kit.client.zcard(kit.keys.workers) == 2


async def test_answers_that_are_not_read_yet_stay(kit, jump):
    """Keys expire by the server's own clock."""
    front_broker, worker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a")
    worker.settle_and_claim(answer(worker.settle_and_claim(None)), claim=False)
    await front_broker.beat()
    jump()
    assert await kit.answers(front_broker) == {"a": ["200"]}
    assert kit.recount() == []


async def test_a_frozen_server(kit, shifted):
    """The real thing: for three leases no heartbeat is answered."""
    front, registrations = await kit.front_broker(), [kit.registration() for _ in range(2)]
    desks = [kit.worker_broker(registration) for registration in registrations]
    await kit.put(front, "a", "b", "c", most=1)
    claims = [desk.settle_and_claim(None) for desk in desks]
    begun = kit.now_ms()
    shifted.freeze()
    try:
        _wait_out(3 * LEASE)
    finally:
        shifted.thaw()
    assert kit.now_ms() - begun >= 3 * LEASE * 1000
    assert [registration.beat("busy") for registration in registrations] == [True, True]
    await front.beat()
    following = [
        desk.settle_and_claim(answer(claim)) for desk, claim in zip(desks, claims, strict=True)
    ]
    assert [claim and claim.id for claim in following] == ["c", None]
    desks[0].settle_and_claim(answer(following[0]), claim=False)
    assert await kit.answers(front) == {id: ["200"] for id in "abc"}
    assert kit.counters() == kit.there()


async def test_the_dead_are_still_found_in_time(kit, jump):
    """A worker and a front that say nothing, while another of each beats."""
    dead, living = kit.registration(), kit.registration()
    front, gone = await kit.front_broker(), await kit.front_broker("gone", lease=LEASE / 2)
    await kit.put(front, "post", most=1)
    await kit.put(gone, "unwanted")
    kit.worker_broker(dead).settle_and_claim(None)
    jump()
    begun = monotonic()

    async def told():
        assert living.beat("idle")
        await front.beat()
        return await kit.answers(front)

    assert await eventually(told) == {"post": ["worker_lost"]}
    assert LEASE / 2 < monotonic() - begun < LEASE * 4 / 3
    await eventually(lambda: living.beat("idle") and not kit.client.keys("*:gone"))
    assert monotonic() - begun < LEASE * 4 / 3
    assert ids_of(kit.worker_broker(living)) == []


async def test_the_dead_are_found_within_a_lease(kit):
    """Without any jump, to the same bound; nobody sooner than after one lease."""
    dead, living = kit.registration(), kit.registration()
    begun = monotonic()
    await eventually(
        lambda: living.beat("idle") and not kit.client.zscore(kit.keys.workers, dead.worker)
    )
    assert LEASE * 0.95 < monotonic() - begun < LEASE * 4 / 3


async def test_a_short_lease_counts_no_longer_than_it_is_told(kit):
    """One process with a lease of 60 ms came and died: the clock of the others runs on."""
    living, dead = kit.registration(), kit.registration(lease=0.06)

    def shortest() -> int:
        return int(kit.client.hget(kit.keys.state, "clock").split()[2])

    assert shortest() == 60
    await eventually(lambda: living.beat("idle") and shortest() == LEASE * 1000)
    assert not dead.beat("idle")


async def test_a_pause_holds_and_ends(kit, jump):
    control, front = kit.control(), await kit.front_broker()
    await kit.put(front, "a")
    registration = kit.registration()
    worker = kit.worker_broker(registration)
    control.pause(["default"], 1.5 * LEASE, by="alice")
    begun = monotonic()
    jump()
    await front.beat()
    assert control.paused(["default"])
    assert worker.settle_and_claim(None) is None
    left = queue_of(kit).pause["until"] - kit.now_ms() / 1000
    assert LEASE < left + monotonic() - begun < 3 * LEASE

    async def ended():
        assert registration.beat("idle")
        await front.beat()
        return not control.paused(["default"])

    await eventually(ended)
    assert 1.5 * LEASE - LEASE * 2 / 3 - 0.1 < monotonic() - begun < 2.5 * LEASE
    assert ids_of(worker) == ["a"]


async def test_a_pause_made_after_a_jump_has_its_own_length(kit, jump):
    control, front = kit.control(), await kit.front_broker()
    jump()
    await front.beat()
    control.pause(["low"], 5, by="alice")
    Hold(kit.link(), ["high"], 5, by="me", reason="").keep()
    assert control.paused(["low", "high"])
    for name in ("low", "high"):
        assert 4 < queue_of(kit, name).pause["until"] - kit.now_ms() / 1000 <= 5.1


async def test_a_hold_and_a_pace_go_on(kit, jump):
    control, front, worker = kit.control(), await kit.front_broker(), kit.worker_broker()
    hold = Hold(kit.link(), QUEUES, 10, by="me", reason="")
    await kit.put(front, "a", "b", "c")
    control.pause(["default"], 60, by="alice")
    hold.keep()
    jump()
    await front.beat()
    assert not hold.keep().anew
    assert hold.end() == ["high", "low"]
    assert control.paused(["default"])  # alice's has its own end
    control.resume(["default"], rate=5)
    jump()
    begun = monotonic()

    async def next_one():
        await front.beat()
        return worker.settle_and_claim(None)

    for id in "abc":
        claim = await eventually(next_one)
        assert claim.id == id
        worker.settle_and_claim(answer(claim), claim=False)
    # Late starts are made up for by as many as a second has: after a jump that may be all three.
    assert monotonic() - begun < 3


async def test_waits_are_not_absurd(kit, jump):
    front, worker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front, "a", "b")
    jump()
    await front.sample()
    row = json.loads(kit.client.lindex(kit.keys.named("history", "1"), -1))
    assert row["q"]["default"][2] < 2000 * LEASE
    assert queue_of(kit).oldest_wait_seconds < 2 * LEASE
    assert max(waiting.seconds for waiting in kit.control().oldest(QUEUES, 5)) < 2 * LEASE
    claim = worker.settle_and_claim(None)
    assert 0 <= claim.waited_ms < 2000 * LEASE
    (running,) = SnapshotReader(kit.link(), QUEUES).snapshot().workers[0]["current"]
    assert running["seconds"] < 2 * LEASE
    worker.settle_and_claim(Settlement(claim, "released"), claim=False)
    assert queue_of(kit).oldest_wait_seconds < 2 * LEASE  # one that was handed back


async def test_what_has_waited_too_long_is_not_started(kit):
    """By the script alone: its front is cut off, but not given up yet."""
    front, worker = await kit.front_broker(lease=60), kit.worker_broker()
    await kit.put(front, "a", hold=0.3)
    await kit.put(front, "b")
    await kit.lease_time_after(kit.clock_ms() + 300)
    assert ids_of(worker) == ["b"]
    assert await kit.answers(front) == {"a": ["hold_expired"], "b": ["200"]}


async def test_history_goes_on_with_rising_times(kit, shifted):
    front = await kit.front_broker()
    rows = kit.keys.named("history", "1")

    async def sampled(more: int) -> list[int]:
        async def another(newest: bytes | None):
            await front.sample()
            return kit.client.lindex(rows, -1) != newest

        for _ in range(more):
            newest = kit.client.lindex(rows, -1)
            await eventually(partial(another, newest))
        return [json.loads(row)["t"] for row in kit.client.lrange(rows, 0, -1)]

    first = await sampled(2)
    shifted.shift(HOUR)
    assert (await sampled(2))[-1] > first[-1] + HOUR - 5
    shifted.shift(0)
    times = await sampled(2)
    assert times == sorted(set(times))
    assert len(times) >= 4
    assert times[-1] <= kit.now_ms() // 1000
    for step in (10, 300):
        found = kit.client.lrange(kit.keys.named("history", str(step)), 0, -1)
        assert all(json.loads(row)["t"] <= times[-1] for row in found)


async def test_another_server_with_another_clock(kit, jump):
    """As after a failover: nobody is late, whatever the new server's clock says."""
    front, registration = await kit.front_broker(), kit.registration()
    worker = kit.worker_broker(registration)
    await kit.put(front, "flying", "get")
    claim = worker.settle_and_claim(None)
    kit.client.hset(kit.keys.state, "run", "the server it was before")
    jump()
    await front.join(ABOUT)  # adopts
    assert registration.beat("busy")
    assert worker.settle_and_claim(answer(claim)).id == "get"
    assert await kit.answers(front) == {"flying": ["200"]}
    ends = kit.client.zscore(kit.keys.workers, registration.worker)
    assert ends - kit.clock_ms() <= LEASE * 1000


def _wait_out(seconds: float) -> None:
    until = monotonic() + seconds
    wait_until(lambda: monotonic() >= until, timeout=seconds + 10)
