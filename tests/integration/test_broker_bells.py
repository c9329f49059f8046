"""Idle workers block and never poll: one request wakes one of them, and none is forgotten."""

import asyncio

import pytest

from queueproxy.broker.seat import Claim, Seat

from ..brokers import eventually


@pytest.fixture
async def idle(office):
    """Starts idle threads, and wakes them at the end."""
    members, tasks = [], []

    async def start(number: int, **options) -> list[asyncio.Task]:
        """So many threads of one worker, all blocking now."""
        before = _blocked(office)
        member = office.member()
        members.append(member)
        seats = [office.seat(member, thread, **options) for thread in range(number)]
        started = [asyncio.create_task(asyncio.to_thread(_first_claim, seat)) for seat in seats]
        tasks.extend(started)
        await eventually(lambda: _blocked(office) == before + number, "all block")
        return started

    yield start
    for member in members:
        member.call_to_stop(16)
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


def _blocked(office) -> int:
    return office.client.info("clients")["blocked_clients"]


def _first_claim(seat: Seat) -> Claim | None:
    return seat.wait()


def _done(tasks) -> list:
    return [task.result() and task.result().id for task in tasks if task.done()]


async def test_one_request_wakes_one_worker(office, idle):
    threads = await idle(4)
    desk = await office.desk()
    await office.put(desk, "a")
    await eventually(lambda: _done(threads))
    assert _done(threads) == ["a"]
    assert _blocked(office) == 3  # whoever had been rung for would be awake by now


async def test_the_baton_wakes_as_many_as_are_needed(office, idle):
    threads = await idle(4)
    desk = await office.desk()
    await office.put(desk, "a", "b", "c")  # one token for all three
    await eventually(lambda: len(_done(threads)) == 3)
    assert sorted(_done(threads)) == ["a", "b", "c"]
    assert _blocked(office) == 1


async def test_nobody_wakes_for_another_queue(office, idle):
    low = await idle(1, queues=["low"])
    default = await idle(1, queues=["default"])
    desk = await office.desk()
    await office.put(desk, "a", queue="default")
    await eventually(lambda: _done(default) == ["a"])
    assert (_done(low), _blocked(office)) == ([], 1)


async def test_a_token_that_died_with_its_worker_is_rung_again(office, idle):
    desk = await office.desk()
    await office.put(desk, "a")
    assert office.client.lpop(office.keys.named("bell", "default"))  # woken, and dead
    threads = await idle(1)
    await desk.beat()
    await eventually(lambda: _done(threads) == ["a"])


async def test_a_lost_workers_request_wakes_another(office, idle):
    desk = await office.desk()
    await office.put(desk, "a")
    lost = office.member()
    office.seat(lost).turn(None)
    office.client.delete(office.keys.named("bell", "default"))  # its own token
    threads = await idle(2)
    lost.leave()
    await eventually(lambda: _done(threads) == ["a"])
    assert _blocked(office) == 1


async def test_resume_wakes(office, idle):
    control, desk = office.control(), await office.desk()
    control.pause(["default"], 60, by="test")
    threads = await idle(2)
    await office.put(desk, "a")
    assert _blocked(office) == 2  # nobody was rung for what is paused
    control.resume(["default"])
    await eventually(lambda: _done(threads) == ["a"])


async def test_a_call_to_stop_wakes_its_own_worker_only(office, idle):
    threads = await idle(1)
    member = office.member()
    seat = office.seat(member)
    called = asyncio.create_task(asyncio.to_thread(_first_claim, seat))
    await eventually(lambda: _blocked(office) == 2)
    member.call_to_stop(1)
    assert await asyncio.wait_for(called, 5) is None
    assert (_done(threads), _blocked(office)) == ([], 1)
