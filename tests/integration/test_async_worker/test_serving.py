"""What an event loop's slots do otherwise than threads: they are many, and share two links."""

from queueproxy.broker.async_worker_broker import AsyncWorkerBroker

from ...brokers import eventually
from ..test_worker.test_rest import BEAT, MOST, SECONDS, calls


def blocked(kit) -> list[str]:
    """Names of the links that block."""
    return [c["name"] for c in kit.client.client_list() if "b" in c["flags"]]


async def test_an_idle_worker_asks_for_little(client, start_worker, kit):
    """However many slots it has, one link waits for requests; none waits for news of clients."""
    worker = start_worker(at_once=100)
    assert await client.status(await client.ask("/run/a/")) == 200
    # Until the last block for news of clients, and the report of what was counted, are over.
    await eventually(lambda: completed(kit, worker) == 1)
    await eventually(lambda: blocked(kit) == ["queueproxy:worker-executor"])
    before, begun = calls(kit), kit.now_ms()
    await eventually(lambda: kit.now_ms() > begun + SECONDS * 1000)
    asked = {name: n - before.get(name, 0) for name, n in calls(kit).items()}
    assert asked.pop("fcall") >= 1, "a heartbeat"
    seconds = (kit.now_ms() - begun) / 1000  # more than were asked for, on a busy machine
    assert sum(asked.values()) <= MOST * (seconds + BEAT), asked
    assert worker.is_alive()


def completed(kit, worker) -> int:
    """How many answers of the worker the statistics know of."""
    return int(kit.client.hget(kit.keys.named("worker", worker.id), "completed"))


async def test_as_many_as_there_are_slots_run_at_once(client, start_worker, kit, state):
    start_worker(at_once=8)
    ids = [await client.ask(f"/run/{number}/?wait") for number in range(10)]
    await eventually(lambda: len(state.runs) == 8)
    assert (kit.counters().in_flight, kit.counters().waiting) == (8, 2)
    state.gate.set()
    assert [await client.status(id) for id in ids] == [200] * 10
    assert sorted(state.runs) == sorted(f"GET {number}" for number in range(10))
    assert kit.recount() == []


async def test_nothing_starts_inside_a_pause(client, start_worker, kit, state):
    start_worker(at_once=4)
    assert await client.status(await client.ask("/run/before/")) == 200
    control = kit.control()
    control.pause(["default"], 60, by="me@test")
    ids = [await client.ask(f"/run/{number}/") for number in range(6)]
    assert kit.counters().waiting == 6
    assert state.runs == ["GET before"]
    control.resume(["default"])
    assert [await client.status(id) for id in ids] == [200] * 6


async def test_so_many_requests_and_no_more(client, start_worker, state):
    worker = start_worker(at_once=8, max_requests=5)
    for number in range(9):
        await client.ask(f"/run/{number}/")
    assert worker.ended() == 0
    assert len(state.runs) == 5


async def test_a_burst_ends_when_nothing_waits(client, start_worker, state, kit):
    ids = [await client.ask(f"/run/{number}/") for number in range(20)]
    worker = start_worker(at_once=3, burst=True)
    assert worker.ended() == 0
    assert [await client.status(id) for id in ids] == [200] * 20
    assert kit.counters().waiting == 0


async def test_a_drain_lets_all_finish_and_takes_nothing_new(client, start_worker, state, kit):
    worker = start_worker(at_once=4)
    ids = [await client.ask(f"/run/{number}/?wait") for number in range(4)]
    await eventually(lambda: len(state.runs) == 4)
    worker.worker.stop()
    late = await client.ask("/run/late/")
    state.gate.set()
    assert [await client.status(id) for id in ids] == [200] * 4
    assert worker.ended() == 0
    assert not await client.frames(late)
    assert kit.counters().waiting == 1


async def test_a_failure_of_our_own_ends_the_process(
    client, start_worker, at_the_end, monkeypatch, caplog
):
    async def fails(*args):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(AsyncWorkerBroker, "settle", fails)
    closings = []
    at_the_end(lambda: closings.append(1))
    worker = start_worker(at_once=2)
    await client.ask("/run/a/")
    assert worker.ended() == 1
    assert "The event loop failed" in caplog.text
    assert closings == [1]


async def test_a_stream_that_a_drain_cuts(client, start_worker, state):
    """The view is told at once, its client sees that the answer is broken."""
    worker = start_worker(at_once=2, stream_grace=0.1)
    id = await client.ask("/events/?size=1000")
    await eventually(lambda: state.made > 10)
    worker.worker.stop()
    assert worker.ended() == 0
    assert (await client.whole(id))[-1].head.aborted
    assert state.closed == 1
