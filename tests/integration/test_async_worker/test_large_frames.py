"""Large bodies of frames travel beside the scripts from an event loop too."""

import asyncio

import pytest

from queueproxy.broker.async_worker_broker import AsyncWorkerBroker
from queueproxy.broker.queue_order import QueueOrder
from queueproxy.broker.slot import Slot

from ...brokers import QUEUES, BrokerKit, answer, part
from ..test_large_frames import BODY, bodies, own_server, values

__all__ = ["own_server"]


class Loop:
    """What a process with an event loop asks, for so many slots of it."""

    def __init__(self, kit: BrokerKit, slots: int):
        worker = kit.registration().worker
        self.broker = AsyncWorkerBroker(kit.broker, kit.codec, worker, QUEUES)
        order = QueueOrder(QUEUES)
        self.slots = [Slot(worker, one, order, kit.broker.max_memory) for one in range(slots)]

    async def claims(self) -> list:
        return [await self.broker.claim(slot) for slot in self.slots]


@pytest.fixture
async def start():
    """Makes them; they close at the end."""
    made = []

    def start(kit: BrokerKit, slots: int = 1) -> Loop:
        made.append(Loop(kit, slots))
        return made[-1]

    yield start
    for loop in made:
        await loop.broker.close()


async def test_many_at_the_same_time(kit, start):
    front, loop = await kit.front_broker(), start(kit, 5)
    await kit.put(front, *"abcde")
    claims = await loop.claims()
    assert [claim.id for claim in claims] == list("abcde")
    asked = list(zip(loop.slots, claims, strict=True))
    first = [loop.broker.push(slot, claim, part(claim, 0, BODY)) for slot, claim in asked]
    assert await asyncio.gather(*first) == [True] * 5
    assert len(values(kit)) == 5
    last = [loop.broker.settle(slot, answer(claim, b"end")) for slot, claim in asked]
    await asyncio.gather(*last)
    assert kit.recount() == []
    found = await bodies(front)
    while len(found) < 10:
        found += await bodies(front)
    assert sorted(map(len, found)) == [3] * 5 + [len(BODY)] * 5
    await front.replies.trim()
    assert values(kit) == []
    assert kit.counters().bytes == 0


@pytest.mark.parametrize("how", ["out of memory", "no right to SET"])
async def test_where_the_value_is_refused_the_script_takes_it(own_server, start, how):
    kit = BrokerKit(own_server.url)
    front, loop = await kit.front_broker(), start(kit)
    await kit.put(front, "a")
    (slot,), (claim,) = loop.slots, await loop.claims()
    assert await loop.broker.push(slot, claim, part(claim, 0, b"head"))
    if how == "out of memory":
        kit.client.config_set("maxmemory", 1)
    else:
        kit.client.execute_command("ACL", "SETUSER", "default", "-set")
    assert await loop.broker.push(slot, claim, part(claim, 1, BODY))
    await loop.broker.settle(slot, answer(claim, BODY))
    assert values(kit) == []
    assert [len(body) for body in await bodies(front)] == [4, len(BODY), len(BODY)]
    await kit.close()


async def test_said_again_it_takes_nothing_back(kit, start):
    """The answer to a settlement was lost: it is said again, and the first one counts."""
    front, loop = await kit.front_broker(), start(kit)
    await kit.put(front, "a")
    (slot,), (claim,) = loop.slots, await loop.claims()
    await loop.broker.settle(slot, answer(claim, BODY))
    (there,) = values(kit)
    slot._call -= 1
    await loop.broker.settle(slot, answer(claim, b"y" * len(BODY)))
    assert values(kit) == [there]
    assert await bodies(front) == [BODY]
