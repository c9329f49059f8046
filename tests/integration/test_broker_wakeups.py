"""Idle workers block and never poll: one request wakes one of them, and none is forgotten."""

import asyncio

import pytest

from queueproxy.broker.async_worker_broker import AsyncWorkerBroker
from queueproxy.broker.claims import Claim
from queueproxy.broker.operate.releases import Releases
from queueproxy.broker.own_release import OwnRelease
from queueproxy.broker.queue_order import QueueOrder
from queueproxy.broker.slot import Slot
from queueproxy.broker.worker_broker import WorkerBroker

from ..brokers import QUEUES, eventually


@pytest.fixture
async def idle(kit):
    """Starts idle threads, and wakes them at the end."""
    registrations, tasks = [], []

    async def start(number: int, **options) -> list[asyncio.Task]:
        """So many threads of one worker, all blocking now."""
        before = _blocked(kit)
        registration = kit.registration()
        registrations.append(registration)
        worker_brokers = [
            kit.worker_broker(registration, thread, **options) for thread in range(number)
        ]
        started = [
            asyncio.create_task(asyncio.to_thread(_first_claim, worker_broker))
            for worker_broker in worker_brokers
        ]
        tasks.extend(started)
        await eventually(lambda: _blocked(kit) == before + number, "all block")
        return started

    yield start
    for registration in registrations:
        registration.call_to_stop(16)
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


def _blocked(kit) -> int:
    return kit.client.info("clients")["blocked_clients"]


def _first_claim(worker_broker: WorkerBroker) -> Claim | None:
    return worker_broker.wait()


def _done(tasks) -> list:
    return [task.result() and task.result().id for task in tasks if task.done()]


async def test_one_request_wakes_one_worker(kit, idle):
    threads = await idle(4)
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    await eventually(lambda: _done(threads))
    assert _done(threads) == ["a"]
    assert _blocked(kit) == 3  # whoever had been rung for would be awake by now


async def test_the_baton_wakes_as_many_as_are_needed(kit, idle):
    threads = await idle(4)
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c")  # one token for all three
    await eventually(lambda: len(_done(threads)) == 3)
    assert sorted(_done(threads)) == ["a", "b", "c"]
    assert _blocked(kit) == 1


async def test_nobody_wakes_for_another_queue(kit, idle):
    low = await idle(1, queues=["low"])
    default = await idle(1, queues=["default"])
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", queue="default")
    await eventually(lambda: _done(default) == ["a"])
    assert (_done(low), _blocked(kit)) == ([], 1)


async def test_a_token_that_died_with_its_worker_is_rung_again(kit, idle):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    assert kit.client.lpop(kit.keys.named("bell", "default"))  # woken, and dead
    threads = await idle(1)
    await front_broker.beat()
    await eventually(lambda: _done(threads) == ["a"])


async def test_a_lost_workers_request_wakes_another(kit, idle):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    lost = kit.registration()
    kit.worker_broker(lost).settle_and_claim(None)
    kit.client.delete(kit.keys.named("bell", "default"))  # its own token
    threads = await idle(2)
    lost.leave()
    await eventually(lambda: _done(threads) == ["a"])
    assert _blocked(kit) == 1


async def test_resume_wakes(kit, idle):
    control, front_broker = kit.control(), await kit.front_broker()
    control.pause(["default"], 60, by="test")
    threads = await idle(2)
    await kit.put(front_broker, "a")
    assert _blocked(kit) == 2  # nobody was rung for what is paused
    control.resume(["default"])
    await eventually(lambda: _done(threads) == ["a"])


async def test_a_call_to_stop_wakes_its_own_worker_only(kit, idle):
    threads = await idle(1)
    registration = kit.registration()
    worker_broker = kit.worker_broker(registration)
    called = asyncio.create_task(asyncio.to_thread(_first_claim, worker_broker))
    await eventually(lambda: _blocked(kit) == 2)
    registration.call_to_stop(1)
    assert await asyncio.wait_for(called, 5) is None
    assert (_done(threads), _blocked(kit)) == ([], 1)


async def test_a_worker_that_serves_after_it_stood_by_hears_of_what_waits(kit):
    """An event loop claims with one link for all slots: it may go on from claim to claim."""
    old, new = OwnRelease("old", 1), OwnRelease("new", 1)
    kit.registration(release=old)
    registration = kit.registration(release=new)
    link = AsyncWorkerBroker(kit.broker, kit.codec, registration.worker, QUEUES, "new")
    slots = [
        Slot(registration.worker, number, QueueOrder(QUEUES), kit.broker.max_memory, new)
        for number in range(3)
    ]
    assert await link.claim(slots[0]) is None  # it stands by
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a", "b", "c")
    Releases(kit.link()).activate("new", keep=600)
    try:
        claims = [await asyncio.wait_for(link.wait(slot), 5) for slot in slots]
    finally:
        await link.close()
    assert [claim.id for claim in claims] == ["a", "b", "c"]
