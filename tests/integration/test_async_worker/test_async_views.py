"""Asynchronous views under an event loop: VIEW_TIMEOUT, windows, departures, drains."""

import time

import pytest

from queueproxy.worker.frames import FRAME
from queueproxy.worker.process_words import FORCED, LEAVING
from queueproxy.worker.reply import WHOLE_WINDOW, WINDOW

from ...brokers import eventually
from . import async_views

PIECE = 64 * 1024  # bytes


@pytest.fixture
def start_worker(start_worker, settings):
    """As of the package, for a site with asynchronous views."""
    settings.ROOT_URLCONF = async_views.__name__
    return start_worker


@pytest.mark.parametrize("path", ["/hang/late/", "/async/3/2/?silent=60"])
async def test_what_runs_past_its_time_is_cancelled_alone(client, start_worker, kit, state, path):
    worker = start_worker(at_once=4, view_timeout=4.0)
    id = await client.ask(path)
    await eventually(lambda: state.runs or state.made == 2)
    began = time.monotonic()
    await eventually(lambda: time.monotonic() > began + 2, "so much older than the other")
    beside = await client.ask("/run/beside/?wait")
    await eventually(lambda: "GET beside" in state.runs)
    assert await client.notice(id) == "view_timeout"
    assert state.closed == 1
    state.gate.set()
    assert await client.status(beside) == 200
    assert await client.status(await client.ask("/run/after/")) == 200
    assert worker.is_alive()
    assert LEAVING not in worker.told
    assert kit.counters().in_flight == 0


async def test_one_that_keeps_the_loop_takes_its_process_along(client, start_worker, state):
    worker = start_worker(at_once=2, view_timeout=0.5)
    id = await client.ask("/block/stuck/?seconds=8")
    assert worker.ended() == FORCED
    assert await client.notice(id) == "view_timeout"
    assert LEAVING in worker.told


async def test_a_slow_client_stops_the_view(client, start_worker, state):
    start_worker(at_once=2)
    id = await client.ask(f"/async/{PIECE}/1000/")
    ahead = WINDOW // PIECE + 2  # pieces sent ahead of the client, and one at hand
    await eventually(lambda: state.made == ahead)
    assert await client.status(await client.ask("/run/beside/")) == 200
    assert state.made == ahead
    await client.take(id, 4 * PIECE)
    await eventually(lambda: state.made == ahead + 4, "four more")
    await client.front_broker.withdraw([id])
    await eventually(lambda: state.closed == 1, "the view's finally")


@pytest.mark.parametrize("path", ["/hang/left/", "/async/3/2/?silent=60"])
async def test_who_leaves_ends_the_view(client, start_worker, kit, state, path):
    start_worker(at_once=2)
    id = await client.ask(path)
    await eventually(lambda: state.runs or state.made == 2)
    await client.front_broker.withdraw([id])
    await eventually(lambda: state.closed == 1, "the view's finally")
    await eventually(lambda: kit.counters().in_flight == 0)
    assert kit.recount() == []


async def test_a_drain_ends_silent_event_streams(client, start_worker, state):
    worker = start_worker(at_once=2, stream_grace=0.1)
    id = await client.ask("/async/3/2/?silent=60&type=text/event-stream")
    await eventually(lambda: state.made == 2)
    worker.worker.stop()
    assert worker.ended() == 0
    frames = await client.whole(id)
    assert frames[-1].head.aborted
    assert b"".join(frame.body for frame in frames) == b"xxxxxx"


async def test_a_drain_waits_for_other_streams(client, start_worker, state):
    worker = start_worker(at_once=2, stream_grace=0.0)
    id = await client.ask("/async/3/2/?silent=1")
    await eventually(lambda: state.made == 2)
    worker.worker.stop()
    assert worker.ended() == 0
    assert not (await client.whole(id))[-1].head.aborted


async def test_a_file_waits_for_no_client(client, start_worker):
    start_worker(at_once=2)
    size = WHOLE_WINDOW + 1
    frames = await client.whole(await client.ask(f"/file/{size}/"))
    assert frames[0].head.whole
    assert [len(frame.body) for frame in frames] == [FRAME] * (WHOLE_WINDOW // FRAME) + [1]


async def test_a_stream_longer_than_the_window_arrives_whole(client, start_worker, state):
    start_worker(at_once=2)
    id = await client.ask(f"/async/{PIECE}/64/")  # 4 MiB
    taken = 0
    while state.closed == 0:
        body = sum(len(frame.body) for frame in await client.frames(id))
        if body > taken:
            await client.take(id, body - taken)
            taken = body
    frames = await client.whole(id)
    assert sum(len(frame.body) for frame in frames) == 64 * PIECE
    assert not frames[-1].head.aborted
