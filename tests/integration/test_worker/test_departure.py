"""Who leaves is told to the view; a drain ends streams that have no end of their own (P5)."""

import time

import pytest

from queueproxy.worker.reply import WINDOW

from ...brokers import eventually
from .test_streams import waits_for_client

AT_ONCE = 2.0  # seconds; who is not told looks after five
GRACE = 0.3  # seconds


async def begun(client, path: str) -> str:
    id = await client.ask(path)

    async def first():
        return len(await client.frames(id)) > 1

    await eventually(first, "its first piece")
    return id


async def test_an_asynchronous_stream_that_is_silent_is_cancelled(client, start_worker, state):
    start_worker()
    took = []
    for number in range(3):
        id = await begun(client, "/silent/")
        began = time.perf_counter()
        await client.front_broker.withdraw([id])
        await eventually(lambda n=number: state.closed == n + 1, "its finally")
        took.append(time.perf_counter() - began)
    assert min(took) < AT_ONCE
    assert await client.status(await client.ask("/run/after/")) == 200
    assert client.kit.counters() == client.kit.there()


async def test_of_two_streams_one_goes_on(client, start_worker, state):
    start_worker(threads=2)
    stays, leaves = await begun(client, "/silent/"), await begun(client, "/silent/")
    await client.front_broker.withdraw([leaves])
    await eventually(lambda: state.closed == 1)
    await eventually(lambda: client.kit.counters().in_flight == 1, "what was left is settled")
    await client.front_broker.withdraw([stays])
    await eventually(lambda: state.closed == 2)


@pytest.mark.parametrize("path", ["/events/", "/silent/?type=text/event-stream"])
async def test_a_drain_ends_event_streams(client, start_worker, state, path):
    worker = start_worker(stream_grace=GRACE)
    id = await begun(client, path)
    began = time.perf_counter()
    worker.worker.stop()
    assert worker.ended() == 0
    assert time.perf_counter() - began >= GRACE
    assert state.closed == 1
    frames = await client.whole(id)
    assert frames[-1].head.aborted


async def test_a_drain_ends_an_event_stream_nobody_takes(client, start_worker, state, kit):
    worker = start_worker(stream_grace=GRACE)
    await begun(client, f"/events/?size={WINDOW // 8}")
    await eventually(lambda: waits_for_client(kit))
    worker.worker.stop()
    assert worker.ended() == 0
    assert state.closed == 1


@pytest.mark.parametrize("kind", ["multipart/x-mixed-replace; boundary=x", "Text/Event-Stream"])
async def test_by_their_type(client, start_worker, state, kind):
    worker = start_worker(stream_grace=0)
    await begun(client, f"/events/?type={kind}")
    worker.worker.stop()
    assert worker.ended() == 0


async def test_a_drain_waits_for_other_streams(client, start_worker, state):
    worker = start_worker(stream_grace=0)
    id = await begun(client, "/stream/3/9/?wait=4")
    worker.worker.stop()
    await eventually(lambda: worker.worker._flow.streams_end, "the grace is over")
    state.gate.set()
    assert worker.ended() == 0
    frames = await client.whole(id)
    assert sum(len(frame.body) for frame in frames) == 27
    assert not frames[-1].head.aborted
