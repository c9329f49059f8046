"""The operators' lane at the broker: whose table of routes stands there, and who may serve it."""

import asyncio

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.operate.control import Control

from ..brokers import QUEUES, answer, eventually, ids_of

ALL = ("ops", *QUEUES)


def published(kit) -> tuple[str, str, str]:
    """Digest, table and publisher."""
    kept = kit.client.hmget(kit.keys.routes, "digest", "table", "worker")
    return tuple((value or b"").decode() for value in kept)


def keep(registration, release: str) -> bool:
    return registration.publish(f"digest-{release}", release.encode(), anew=False)


def begin(registration, release: str) -> bool:
    return registration.publish(f"digest-{release}", release.encode(), anew=True)


# The table.


async def test_who_begins_to_serve_publishes(kit):
    old, new = kit.registration(), kit.registration()
    assert begin(old, "old")
    assert published(kit) == ("digest-old", "old", old.worker)
    assert begin(new, "new")
    assert published(kit) == ("digest-new", "new", new.worker)
    assert keep(old, "old")
    assert published(kit) == ("digest-new", "new", new.worker)


async def test_a_table_goes_with_its_publisher(kit):
    first, second = kit.registration(), kit.registration()
    begin(first, "a")
    begin(second, "b")
    second.leave()
    assert keep(first, "a")
    assert published(kit) == ("digest-a", "a", first.worker)


async def test_a_table_stays_while_anybody_of_its_release_is_there(kit):
    first, second = kit.registration(), kit.registration()
    begin(first, "a")
    first.leave()
    assert keep(second, "a")
    assert published(kit) == ("digest-a", "a", second.worker)


async def test_a_lost_table_is_published_again(kit):
    registration = kit.registration()
    begin(registration, "a")
    kit.client.delete(kit.keys.routes)
    assert keep(registration, "a")
    assert published(kit) == ("digest-a", "a", registration.worker)


async def test_another_in_the_name_of_its_publisher_is_replaced(kit):
    registration = kit.registration()
    begin(registration, "a")
    kit.client.hset(kit.keys.routes, mapping={"digest": "x", "table": "forged"})
    assert keep(registration, "a")
    assert published(kit) == ("digest-a", "a", registration.worker)


@pytest.mark.parametrize("publish", [begin, keep])
async def test_who_was_given_up_publishes_nothing(kit, publish):
    registration = kit.registration()
    kit.client.zrem(kit.keys.workers, registration.worker)
    assert not publish(registration, "a")
    assert published(kit) == ("", "", "")


# One thread of a process.


@pytest.fixture
async def front_broker(kit):
    return await kit.front_broker()


def threads_of_one(kit, number: int) -> list:
    registration = kit.registration()
    return [kit.worker_broker(registration, thread, ALL) for thread in range(number)]


async def test_the_lane_has_one_thread_of_a_process(kit, front_broker):
    one, two, three = threads_of_one(kit, 3)
    (other,) = threads_of_one(kit, 1)
    await kit.put(front_broker, "o1", "o2", "o3", queue="ops")
    await kit.put(front_broker, "a", queue="low")
    first = one.settle_and_claim(None)
    assert first.id == "o1"
    assert two.settle_and_claim(None).id == "a"
    assert three.settle_and_claim(None) is None
    assert other.settle_and_claim(None).id == "o2"
    assert one.settle_and_claim(answer(first)).id == "o3"


async def test_the_thread_that_is_free_may_be_another(kit, front_broker):
    one, two = threads_of_one(kit, 2)
    await kit.put(front_broker, "o1", "o2", queue="ops")
    first = one.settle_and_claim(None)
    assert two.settle_and_claim(None) is None
    one.settle_and_claim(answer(first), claim=False)
    assert two.settle_and_claim(None).id == "o2"


async def test_a_worker_with_one_thread_serves_the_lane_first_and_then_every_other_time(
    kit, front_broker
):
    (one,) = threads_of_one(kit, 1)
    await kit.put(front_broker, "a", "b", queue="high")
    await kit.put(front_broker, "o1", "o2", "o3", "o4", queue="ops")
    assert ids_of(one) == ["o1", "a", "o2", "b", "o3", "o4"]


async def test_a_claim_whose_answer_was_lost_is_given_again(kit, front_broker):
    one, _ = threads_of_one(kit, 2)
    await kit.put(front_broker, "o1", "o2", queue="ops")
    first = one.settle_and_claim(None)
    one._slot._call -= 1  # as if it had never heard
    assert one.settle_and_claim(None) == first


async def blocked(kit, number: int) -> None:
    await eventually(lambda: kit.client.info("clients")["blocked_clients"] == number, "all block")


async def test_who_may_not_serve_it_passes_the_token_on(kit, front_broker):
    """Of two idle threads the one that is woken first must not; the other, elsewhere, does."""
    one, two = threads_of_one(kit, 2)
    (other,) = threads_of_one(kit, 1)
    await kit.put(front_broker, "o1", queue="ops")
    first = one.settle_and_claim(None)
    assert two.wait() is None  # takes the token of a request that is under way
    barred = asyncio.create_task(asyncio.to_thread(two.wait))
    await blocked(kit, 1)  # the first in the line for the bell
    free = asyncio.create_task(asyncio.to_thread(other.wait))
    await blocked(kit, 2)
    await kit.put(front_broker, "o2", queue="ops")
    assert (await asyncio.wait_for(free, 5)).id == "o2"
    assert await asyncio.wait_for(barred, 5) is None
    assert one.settle_and_claim(answer(first)) is None


async def test_who_may_not_serve_it_looks_again_by_itself(kit, front_broker):
    """Its process's other thread ends without claiming, as while it drains."""
    one, two = threads_of_one(kit, 2)
    await kit.put(front_broker, "o1", "o2", queue="ops")
    first = one.settle_and_claim(None)
    assert two.settle_and_claim(None) is None

    def until_claimed():
        claim = None
        while claim is None:
            claim = two.wait()
        return claim

    waiting = asyncio.create_task(asyncio.to_thread(until_claimed))
    await blocked(kit, 1)
    one.settle_and_claim(answer(first), claim=False)
    assert (await asyncio.wait_for(waiting, 5)).id == "o2"


async def test_who_may_not_serve_it_hears_the_other_bells(kit, front_broker):
    one, two = threads_of_one(kit, 2)
    await kit.put(front_broker, "o1", "o2", queue="ops")
    one.settle_and_claim(None)
    assert two.settle_and_claim(None) is None
    waiting = asyncio.create_task(asyncio.to_thread(two.wait))
    await blocked(kit, 1)
    await kit.put(front_broker, "a", queue="low")
    assert (await asyncio.wait_for(waiting, 5)).id == "a"


async def test_who_may_not_serve_it_does_not_ask_all_the_time(kit, front_broker):
    one, two = threads_of_one(kit, 2)
    await kit.put(front_broker, "o1", "o2", queue="ops")
    one.settle_and_claim(None)
    assert two.settle_and_claim(None) is None
    kit.client.config_resetstat()
    for _ in range(3):
        assert await asyncio.to_thread(two.wait) is None
    stats = kit.client.info("commandstats")
    assert stats["cmdstat_fcall"]["calls"] == 3
    assert stats["cmdstat_fcall"]["usec"] < 100_000
    assert stats["cmdstat_blpop"]["calls"] == 3
    assert stats["cmdstat_time"]["calls"] == 3


async def test_a_hold_closes_the_lane(kit, front_broker):
    one, two = threads_of_one(kit, 2)
    await kit.put(front_broker, "o1", queue="ops")
    one.settle_and_claim(None)
    Control(kit.link()).pause(["ops"], 60, by="test")
    await kit.put(front_broker, "o2", queue="ops")
    await kit.put(front_broker, "a", queue="low")
    assert ids_of(two) == ["a"]


# What has no place there.


async def test_what_was_not_run_is_told_and_leaves_nothing(kit, front_broker):
    (one,) = threads_of_one(kit, 1)
    await kit.put(front_broker, "o1", queue="ops", most=1)
    claim = one.settle_and_claim(None)
    assert one.settle_and_claim(Settlement(claim, "misrouted")) is None
    assert one.settle_and_claim(Settlement(claim, "misrouted")) is None  # sent again
    assert await kit.answers(front_broker) == {"o1": ["misrouted"]}
    assert kit.client.hget(kit.keys.named("stats", "ops"), "failed:misrouted") == b"1"
    assert Control(kit.link()).dead_letters() == []
    assert kit.counters().in_flight == kit.counters().waiting == 0
    assert kit.client.xlen(kit.keys.named("queue", "ops")) == 0
    assert (
        kit.client.hlen(kit.keys.leases) == kit.client.hlen(kit.keys.named("held", "front-1")) == 0
    )


async def test_what_was_not_run_and_nobody_waits_for_leaves_nothing(kit, front_broker):
    (one,) = threads_of_one(kit, 1)
    await kit.put(front_broker, "o1", queue="ops")
    claim = one.settle_and_claim(None)
    await front_broker.withdraw(["o1"])
    one.settle_and_claim(Settlement(claim, "misrouted"), claim=False)
    assert await kit.answers(front_broker) == {}
    assert kit.counters().in_flight == kit.counters().bytes == 0
