"""What waits and what is dead, listed by what is asked for, and acted on all at once."""

import time

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.broker.operate.lists import Lists, Wanted

from ..brokers import QUEUES, BrokerKit

MANY = 10_000


def lists(kit) -> Lists:
    return Lists(kit.link())


def waiting(kit, **wanted) -> list[str]:
    return [one.path for one in lists(kit).waiting(QUEUES, Wanted(**wanted)).rows]


def dead(kit, **wanted) -> list[str]:
    return [one.head.path for one in lists(kit).dead(Wanted(**wanted)).rows]


async def bury(kit, *ids: str, reason: str = "malformed", **options) -> None:
    worker_broker, front_broker = kit.worker_broker(), await kit.front_broker()
    await kit.put(front_broker, *ids, **options)
    claim = worker_broker.settle_and_claim(None)
    while claim is not None:
        claim = worker_broker.settle_and_claim(Settlement(claim, reason))


async def test_what_waits_by_what_is_asked_for(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "run", "aa")
    await kit.put(front_broker, "ab", queue="high", most=1)
    await kit.put(front_broker, "b", queue="low")
    assert kit.worker_broker(queues=("default",)).settle_and_claim(None).id == "run"
    found = lists(kit).waiting(QUEUES, Wanted())
    assert (sorted(one.path for one in found.rows), found.total) == (["/aa", "/ab", "/b"], 3)
    assert found.complete
    assert sorted(waiting(kit, text="/a")) == ["/aa", "/ab"]
    assert waiting(kit, text="request-b") == ["/b"]
    assert waiting(kit, queue="high") == ["/ab"]
    assert waiting(kit, method="POST") == ["/ab"]
    assert sorted(waiting(kit, text="/A")) == ["/aa", "/ab"]
    assert waiting(kit, text="/x") == []
    await kit.put(front_broker, "%C3%BC")
    assert waiting(kit, text="/Ü") == waiting(kit, text="%c3") == ["/%C3%BC"]
    assert waiting(kit, at_least=30) == []
    assert waiting(kit, until=1) == []
    assert len(waiting(kit, until=found.now)) >= 3
    assert {one.request_id for one in found.rows} == {"request-aa", "request-ab", "request-b"}


async def test_those_handed_back_and_in_a_line_wait_too(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "g1", "g2", "g3", group="view", at_most=1)
    lost = kit.registration()
    assert kit.worker_broker(lost).settle_and_claim(None).id == "g1"
    assert kit.worker_broker().settle_and_claim(None) is None
    lost.leave()
    assert waiting(kit) == ["/g1", "/g2", "/g3"]


async def test_dead_letters_by_what_is_asked_for(kit):
    await bury(kit, "aa", body=b"x" * 100)
    await bury(kit, "ab", reason="bad_response", queue="low", most=1)
    assert dead(kit) == ["/ab", "/aa"]
    assert dead(kit, reason="malformed") == ["/aa"]
    assert dead(kit, queue="low") == ["/ab"]
    assert dead(kit, method="GET", text="request-a") == ["/aa"]
    assert dead(kit, until=1) == []
    (_, letter) = lists(kit).dead(Wanted()).rows
    assert letter.body == b""
    (whole,) = lists(kit).whole_letters([letter])
    assert (whole.body, whole.id, whole.reason) == (b"x" * 100, letter.id, "malformed")
    kit.control().discard(letter.id)
    assert lists(kit).whole_letters([letter]) == []


async def test_all_that_match_are_discarded(kit):
    await bury(kit, *(f"a{n}" for n in range(30)), "b")
    found = lists(kit).dead(Wanted(text="/a"))
    assert lists(kit).discard(found.rows) == 30
    assert lists(kit).discard(found.rows) == 0
    assert dead(kit) == ["/b"]


async def test_all_that_match_are_withdrawn(kit):
    front_broker = await kit.front_broker()
    await kit.put(front_broker, "b", *(f"a{n}" for n in range(250)))
    await kit.put(front_broker, "a-low", queue="low")
    found = lists(kit).waiting(QUEUES, Wanted(text="/a"))
    claim = kit.worker_broker(queues=("low",)).settle_and_claim(None)
    assert lists(kit).withdraw(found.rows) == 250
    assert lists(kit).withdraw(found.rows) == 0
    assert waiting(kit) == ["/b"]
    assert claim.id == "a-low"  # it runs on
    told = await kit.answers(front_broker)
    assert len(told) == 250
    assert set(map(tuple, told.values())) == {("withdrawn",)}
    assert kit.counters() == kit.there()
    assert kit.recount() == []


@pytest.fixture
async def crowd(broker):
    kit = BrokerKit(broker.url, depth=MANY + 1, memory=1 << 28)
    front_broker = await kit.front_broker()
    for first in range(0, MANY, 500):
        await kit.put(front_broker, *(f"n{n}" for n in range(first, first + 500)))
    yield kit
    await kit.close()


def processor_seconds(kit) -> float:
    """Used by the broker and by this process: the same, however busy the machine is."""
    used = kit.client.info("cpu")
    return time.process_time() + used["used_cpu_user"] + used["used_cpu_sys"]


async def test_ten_thousand_take_two_seconds(crowd):
    """To be counted, and to be withdrawn."""
    lists_of = Lists(crowd.link())
    began = processor_seconds(crowd)
    found = lists_of.waiting(QUEUES, Wanted(text="/n"))
    counted = processor_seconds(crowd)
    assert len(found.rows) == MANY
    assert lists_of.withdraw(found.rows) == MANY
    withdrawn = processor_seconds(crowd)
    print(f"counted in {counted - began:.2f} s, withdrawn in {withdrawn - counted:.2f} s")
    assert counted - began < 2
    assert withdrawn - counted < 2
    assert crowd.counters().waiting == 0
