"""Views that run past VIEW_TIMEOUT: what becomes of them, of their process and of the others."""

import time

from queueproxy.broker.observe.processes import TIMED_OUT
from queueproxy.worker.process_words import FORCED, LEAVING

from ...brokers import eventually
from ...kit.waiting import wait_until

LIMIT = 1.0  # seconds
PIECE = 64 * 1024  # bytes


def state_told(kit, worker) -> str:
    return (kit.client.hget(kit.keys.named("worker", worker.id), "state") or b"").decode()


def dead_letters(kit) -> list[tuple[bytes, bytes]]:
    """Reason and request id of each."""
    letters = kit.client.xrange(kit.keys.dead)
    return [(fields[b"reason"], fields[b"id"]) for _, fields in letters]


async def test_the_only_thread(client, start_worker, kit, state, caplog):
    """Its process ends at once, by force; the request is told of and is not run again."""
    worker = start_worker(view_timeout=LIMIT)
    began = time.monotonic()
    id = await client.ask("/run/stuck/?wait&secret=1")
    assert worker.ended() == FORCED
    assert LIMIT <= time.monotonic() - began < LIMIT + 15, "no graceful timeout of 20 s"
    assert await client.notice(id) == "view_timeout"
    assert dead_letters(kit) == [(b"view_timeout", id.encode())]
    assert LEAVING in worker.told
    (line,) = [r.getMessage() for r in caplog.records if "VIEW_TIMEOUT" in r.getMessage()]
    assert line.startswith(f"GET /run/stuck/ (request-{id}, ")
    assert "graceful timeout" not in caplog.text
    assert "secret" not in caplog.text
    start_worker()
    assert await client.status(await client.ask("/run/after/")) == 200
    assert state.runs == ["GET stuck", "GET after"]
    assert kit.counters().in_flight == 0


async def test_one_that_returns_in_time_is_left_alone(client, start_worker, state):
    worker = start_worker(view_timeout=8.0)
    id = await client.ask("/run/slow/?wait", "POST")
    await eventually(lambda: state.runs)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() > began + 2)
    state.gate.set()
    assert await client.status(id) == 200
    assert await client.status(await client.ask("/run/after/")) == 200
    assert LEAVING not in worker.told


async def test_without_the_setting_a_view_may_take_its_time(client, start_worker, state):
    worker = start_worker()
    id = await client.ask("/run/slow/?wait")
    await eventually(lambda: state.runs)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() > began + 2 * LIMIT)
    assert LEAVING not in worker.told
    state.gate.set()
    assert await client.status(id) == 200


async def start_stuck_and_others(client, start_worker, state):
    """A worker of four threads, one of which is stuck; three run what is six seconds younger."""
    worker = start_worker(view_timeout=10.0, threads=4)
    stuck = await client.ask("/run/stuck/?wait", "POST")
    await eventually(lambda: state.runs)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() > began + 6)
    others = [await client.ask(f"/run/{n}/?until=others", "POST") for n in range(3)]
    await eventually(lambda: len(state.runs) == 4, "all run")
    await eventually(lambda: LEAVING in worker.told, "it is found")
    return worker, stuck, others


async def test_the_other_threads_finish_and_nothing_new_is_taken(client, start_worker, kit, state):
    worker, stuck, others = await start_stuck_and_others(client, start_worker, state)
    left = await client.ask("/run/left/")
    await eventually(lambda: state_told(kit, worker) == TIMED_OUT)
    assert not await client.notices(stuck)
    state.gates["others"].set()
    assert [await client.status(id) for id in others] == [200] * 3
    assert worker.ended() == FORCED
    assert await client.notice(stuck) == "view_timeout"
    assert not await client.frames(left)
    assert len(state.runs) == 4
    assert len(dead_letters(kit)) == 1


async def test_a_view_that_returns_meanwhile_is_answered(client, start_worker, kit, state):
    worker, stuck, others = await start_stuck_and_others(client, start_worker, state)
    state.gate.set()
    assert await client.status(stuck) == 200
    state.gates["others"].set()
    assert [await client.status(id) for id in others] == [200] * 3
    assert worker.ended() == 0
    assert not dead_letters(kit)


async def test_a_drain_does_not_wait_for_it(client, start_worker, kit, state):
    worker = start_worker(view_timeout=LIMIT, graceful_timeout=60.0)
    id = await client.ask("/run/stuck/?wait", "POST")
    await eventually(lambda: state.runs)
    worker.worker.stop()
    assert worker.ended() == FORCED
    assert await client.notice(id) == "view_timeout"


async def test_what_a_client_takes_slowly_is_not_the_views_time(client, start_worker, kit, state):
    worker = start_worker(view_timeout=LIMIT)
    id = await client.ask(f"/stream/{PIECE}/40/")
    await eventually(lambda: state.made > 16, "it waits for its client")
    began = time.monotonic()
    wait_until(lambda: time.monotonic() > began + 3 * LIMIT)
    await client.take(id, 40 * PIECE)
    frames = await client.whole(id)
    assert sum(len(frame.body) for frame in frames) == 40 * PIECE
    assert LEAVING not in worker.told


async def test_a_stream_that_says_nothing_more(client, start_worker, kit, state):
    """The time counts from its last piece: those before it were each made in time."""
    worker = start_worker(view_timeout=LIMIT)
    id = await client.ask("/stream/3/9/?wait=2")
    assert worker.ended() == FORCED
    assert await client.notice(id) == "view_timeout"
    assert state.made == 2


async def test_a_response_whose_closing_hangs(client, start_worker, kit, state, at_the_end):
    at_the_end(lambda: state.gate.wait(30))
    worker = start_worker(view_timeout=LIMIT)
    assert await client.status(await client.ask("/run/a/")) == 200
    assert worker.ended() == FORCED
    assert not dead_letters(kit)
