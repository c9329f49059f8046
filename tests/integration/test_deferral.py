"""What a worker hands back for a while, or to be started once more (exactly once)."""

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.operate.control import Control

from ..brokers import QUEUES, answer, eventually, ids_of


async def deferred(kit, *ids: str):
    """Put off the first of these requests; its front, the thread, the claim."""
    front_broker = await kit.front_broker()
    await kit.put(front_broker, *ids)
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    assert worker_broker.settle_and_claim(Settlement(claim, "deferred"), claim=False) is None
    return front_broker, worker_broker, claim


async def test_others_pass_what_is_put_off(kit):
    front_broker, worker_broker, _ = await deferred(kit, "a", "b")
    claim = worker_broker.settle_and_claim(None)
    assert claim.id == "b"
    assert kit.counters() == kit.there()
    assert worker_broker.settle_and_claim(answer(claim)) is None
    assert await kit.answers(front_broker) == {"b": ["200"]}


async def test_it_is_started_once_its_time_has_come(kit):
    """The thread that sees it looks again by itself, and no start is counted for it."""
    front_broker, worker_broker, first = await deferred(kit, "a")
    assert ids_of(worker_broker) == []
    assert worker_broker.wait() is None  # the bell was for others: see the next test
    again = worker_broker.wait()
    assert (again.id, again.attempt) == ("a", first.attempt)
    worker_broker.settle_and_claim(answer(again))
    assert await kit.answers(front_broker) == {"a": ["200"]}
    assert kit.counters() == kit.there()


async def test_an_idle_thread_looks_again_for_one_that_has_gone(kit):
    _, worker_broker, _ = await deferred(kit, "a")
    worker_broker.close()
    other = kit.worker_broker()
    assert other.wait() is None  # woken by the bell, and nothing may start yet
    assert other.wait().id == "a"


async def test_what_is_put_off_can_be_withdrawn(kit):
    front_broker, worker_broker, _ = await deferred(kit, "a")
    assert await front_broker.withdraw(["a"]) == ["withdrawn"]
    assert kit.counters() == kit.there()
    assert ids_of(worker_broker) == []


async def test_counting_anew_leaves_until_when_it_is_put_off(kit):
    """As after a restart of the server, which forgets whether the counters are right."""
    await deferred(kit, "a")
    returned = kit.keys.named("returned", "default")
    there = kit.client.zrange(returned, 0, -1, withscores=True)
    assert there[0][1] > 0
    kit.client.hset(kit.keys.state, "returned:default", 7)
    kit.client.function_flush()
    kit.link().script("front_beat", "front-1", 15_000, *QUEUES)
    assert kit.recount() == []
    assert kit.client.zrange(returned, 0, -1, withscores=True) == there


async def test_nobody_is_waited_for(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    worker_broker = kit.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    await front_broker.withdraw(["a"])
    worker_broker.settle_and_claim(Settlement(claim, "deferred"))
    assert kit.counters() == kit.there()
    assert kit.counters().bytes == 0


async def test_what_is_to_be_repeated_counts_as_started(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    worker_broker = kit.worker_broker()
    first = worker_broker.settle_and_claim(None)
    second = worker_broker.settle_and_claim(Settlement(first, "repeat"))
    assert (second.id, second.attempt) == ("a", 2)
    assert worker_broker.settle_and_claim(Settlement(second, "repeat")) is None
    assert await kit.answers(front_broker) == {"a": ["worker_lost"]}
    assert [letter.reason for letter in Control(kit.link()).dead_letters()] == ["worker_lost"]


@pytest.mark.parametrize("outcome", ["deferred", "repeat"])
async def test_a_call_sent_again_hands_it_back_once(kit, outcome):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "a")
    registration = kit.registration()
    worker_broker, again = kit.worker_broker(registration), kit.worker_broker(registration)
    claim = worker_broker.settle_and_claim(None)
    again.settle_and_claim(None)
    for place in (worker_broker, again):
        place.settle_and_claim(Settlement(claim, outcome), claim=False)
    assert kit.counters() == kit.there()

    async def claimed():
        return worker_broker.settle_and_claim(None)

    assert (await eventually(claimed)).id == "a"
