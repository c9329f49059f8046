"""The recount that other tests rely on sees what is wrong."""

import pytest
import redis

from queueproxy.records import Held, pack, parse

from ..brokers import BrokerKit, part
from ..recount import differences

QUEUE = "default"


@pytest.fixture
async def busy(kit: BrokerKit) -> BrokerKit:
    """A broker with some of everything in it."""
    front = await kit.front_broker("front-1")
    await kit.put(front, "returned", body=b"\xff")
    lost = kit.registration()
    kit.worker_broker(lost).settle_and_claim(None)
    kit.link().script("worker_reap", lost.worker)
    await kit.put(front, "streamed", queue="high")
    worker = kit.worker_broker()
    claim = worker.settle_and_claim(None)
    worker.push(claim, part(claim, 0))
    await front.acknowledge([("streamed", 1)])
    await kit.put(front, "read", queue="high", body=b"x" * 100, piece_size=50)
    reader = kit.worker_broker()
    reader.pieces(reader.settle_and_claim(None), 2).read(0)
    await front.hand_over((await front.replies.catch_up())[-1], [b"x" * 50])
    await kit.put(front, "waiting")
    return kit


async def test_nothing_is_wrong(busy):
    assert differences(busy.client, busy.keys) == []
    with redis.Redis.from_url(busy.broker.address.url, decode_responses=True, protocol=2) as text:
        assert differences(text, busy.keys) == []


@pytest.mark.parametrize(
    "field",
    [
        "pieces",
        *("bytes", f"waiting:{QUEUE}", "inflight:high", f"returned:{QUEUE}", f"parked:{QUEUE}"),
        *("replies:front-1", "waiting:gone", "replies:gone"),
    ],
)
async def test_a_counter_that_is_wrong(busy, field):
    busy.client.hincrby(busy.keys.state, field, 1)
    assert any(field in difference for difference in busy.recount())


def _lose_entries(kit):
    kit.client.delete(kit.keys.named("queue", QUEUE))


def _lose_leases(kit):
    kit.client.delete(kit.keys.leases)


def _lose_registrations(kit):
    kit.client.delete(kit.keys.named("held", "front-1"))


def _register_for_another_entry(kit):
    held = kit.keys.named("held", "front-1")
    record = parse(Held, kit.client.hget(held, "waiting"))
    kit.client.hset(held, "waiting", pack(record._replace(entry="1-1")))


def _lose_a_front(kit):
    kit.client.zrem(kit.keys.fronts, "front-1")


def _lose_a_worker(kit):
    kit.client.delete(kit.keys.workers)


def _add_a_strangers_entry(kit):
    kit.client.xadd(kit.keys.named("queue", QUEUE), {"x": "y"})


def _keep_a_piece(kit):
    kit.client.set(kit.keys.named("piece", "over:1-1:1:0"), "x")


def _keep_attempts(kit):
    kit.client.hset(kit.keys.attempts, "over", 1)


@pytest.mark.parametrize(
    "spoil",
    [
        *(_lose_entries, _lose_leases, _lose_registrations, _register_for_another_entry),
        *(_lose_a_front, _lose_a_worker, _add_a_strangers_entry, _keep_a_piece, _keep_attempts),
    ],
)
async def test_what_does_not_belong_together(busy, spoil):
    spoil(busy)
    assert busy.recount()
