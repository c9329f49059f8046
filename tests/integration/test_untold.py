"""What only a front knows of its own answers is counted by the broker: each once."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from queueproxy.asgi import QueueProxy
from queueproxy.exceptions import Fenced
from queueproxy.front.front import Front, FrontOptions
from queueproxy.front.held_request import DeliveryState
from queueproxy.front.http.refusals import BROKER_AWAY, FRONT_FULL, TOO_MANY_CONNECTIONS
from queueproxy.route_table import OPS_QUEUE
from queueproxy.served_application import ServedApplication

from ..brokers import QUEUES, SECRETS, BrokerKit, eventually
from ..kit.broker_server import BrokerServer
from ..states.lossy_links import Losses, LossyBroker
from .test_leaving import Connection, claimed, forge
from .test_sender import hold

ROOM = 1 << 20  # bytes


def counted(kit: BrokerKit) -> dict[str, int]:
    """What was not served, by queue and reason."""
    return {
        f"{queue} {field.decode().partition(':')[2]}": int(number)
        for queue in QUEUES
        for field, number in kit.client.hgetall(kit.keys.named("stats", queue)).items()
        if field.startswith((b"failed:", b"refused:"))
    }


async def two_rows_later(kit: BrokerKit) -> None:
    """Until whatever a front had to tell has been told."""
    history = kit.keys.named("history", "1")
    rows = kit.client.llen(history)
    await eventually(lambda: kit.client.llen(history) >= rows + 2)


class LossesOf(Losses):
    """Loses replies to one script."""

    def __init__(self, script: str):
        super().__init__()
        self._script = script

    def take(self, commands) -> bool:
        named = any(str(word).endswith(f"_{self._script}") for one in commands for word in one)
        return named and super().take(commands)


@contextlib.asynccontextmanager
async def front_of(kit: BrokerKit, broker=None, memory: int = 1 << 26, spool: int = 1 << 26):
    queues = (OPS_QUEUE, *QUEUES)
    options = FrontOptions(
        broker or kit.broker, queues, SECRETS, 1000, 1 << 24, memory, spool, None
    )
    front = Front(options)
    front.start()
    try:
        yield front
    finally:
        await front.stop()


# The script


async def test_a_number_is_taken_once(kit):
    broker = await kit.front_broker()
    for _ in range(2):
        await broker.refusals.count(broker.joined, 1, {("low", "broker_away"): 3})
    assert counted(kit) == {"low broker_away": 3}
    await broker.refusals.count(broker.joined, 2, {("low", "broker_away"): 1})
    await broker.refusals.count(broker.joined, 1, {("low", "broker_away"): 3})  # late
    assert counted(kit) == {"low broker_away": 4}


async def test_not_of_a_front_that_was_given_up(kit):
    broker = await kit.front_broker()
    with pytest.raises(Fenced):
        await broker.refusals.count("", 1, {("low", "broker_away"): 1})
    await broker.leave()
    with pytest.raises(Fenced):
        await broker.refusals.count(broker.joined, 1, {("low", "broker_away"): 1})
    assert counted(kit) == {}


async def test_a_broker_without_memory_counts():
    server = BrokerServer(maxmemory=str(24 << 20)).start()
    kit = BrokerKit(server.url)
    broker = await kit.front_broker()
    kit.client.config_set("maxmemory", str(kit.client.info("memory")["used_memory"] // 2))
    await broker.refusals.count(broker.joined, 1, {("low", "broker_away"): 1})
    assert counted(kit) == {"low broker_away": 1}
    await kit.close()
    server.stop()


# The front


@pytest.mark.parametrize("lost", [1, 3])
async def test_a_lost_reply(kit, lost):
    losses = LossesOf("count_refusals")
    broker = LossyBroker(kit.broker.address, kit.broker.namespace, kit.lease, losses=losses)
    async with front_of(kit, broker) as front:
        await eventually(lambda: front.sender.reachable)
        losses.due = lost
        front.untold.counts.add(BROKER_AWAY, "low")
        await eventually(lambda: counted(kit) and not losses.due)
        front.untold.counts.add(FRONT_FULL)
        await eventually(lambda: len(counted(kit)) == 2)
        await two_rows_later(kit)
    assert counted(kit) == {"low broker_away": 1, "default front_full": 1}


async def test_as_it_leaves(kit):
    async with front_of(kit) as front:
        await eventually(lambda: front.sender.reachable)
        await two_rows_later(kit)
        front.untold.counts.add(BROKER_AWAY, "low")
    assert counted(kit) == {"low broker_away": 1}
    assert not kit.client.exists(kit.keys.named("front", front.id))


async def test_what_it_gives_up_as_it_leaves_is_not_counted_as_lost_with_it(kit):
    """Its client has been told that the front stops, which is counted already."""
    async with front_of(kit) as front:
        (told, left) = hold(kit, front, "told", "left")
        await eventually(lambda: kit.counters().waiting == 2)
        front.withdraw(told)
    assert left.state is DeliveryState.QUEUED
    assert counted(kit) == {"default front_lost": 1}
    assert kit.client.hget(kit.keys.named("stats", "default"), "withdrawn") == b"1"


async def test_a_front_leaves_in_time_where_it_cant_tell():
    server = BrokerServer().start()
    kit = BrokerKit(server.url)
    async with front_of(kit) as front:
        await eventually(lambda: front.sender.reachable)
        front.untold.counts.add(BROKER_AWAY, "low")
        server.freeze()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
    server.thaw()
    await kit.close()
    server.stop()


async def test_an_answer_that_does_not_verify(kit, front):
    connection = Connection(front)
    worker_broker = kit.worker_broker()
    claim = await claimed(worker_broker)
    for _ in range(2):
        forge(kit, front, claim.id)
    await connection.end()
    assert connection.sent[0]["status"] == 502
    await eventually(lambda: counted(kit))
    await two_rows_later(kit)
    assert counted(kit) == {"default bad_reply": 1}


async def test_what_the_server_refuses_unread(kit, monkeypatch):
    async with front_of(kit) as front:
        proxy = QueueProxy()
        monkeypatch.setattr(proxy, "_running", SimpleNamespace(front=front))
        ServedApplication(proxy, (proxy,)).count(TOO_MANY_CONNECTIONS)
        await eventually(lambda: counted(kit))
    assert counted(kit) == {"default front_full": 1}


async def test_no_room_for_a_body(kit):
    async with front_of(kit, memory=ROOM, spool=0) as front:
        connection = Connection(front, b"x" * 3 * ROOM, method="POST", max_body=4 * ROOM)
        connection.disconnect()
        await connection.end()
        assert connection.sent[0]["status"] == 503
        await eventually(lambda: counted(kit))
    assert counted(kit) == {"default front_full": 1}


async def test_a_refusal_of_the_broker_is_counted_by_it_alone(kit):
    async with front_of(kit) as front:
        front._broker._limits = front._broker._limits._replace(depth=0)
        connection = Connection(front)
        await connection.end()
        assert connection.sent[0]["status"] == 503
        await two_rows_later(kit)
    assert counted(kit) == {"default queue_full": 1}


async def test_a_hold_that_ends_is_counted_by_the_broker_alone(kit):
    async with front_of(kit) as front:
        waiting = Connection(front, max_hold=0.5)
        await waiting.end()
        running = Connection(front, max_hold=2.0)
        await claimed(kit.worker_broker())
        await running.end()
        assert [one.sent[0]["status"] for one in (waiting, running)] == [503, 504]
        await two_rows_later(kit)
    assert counted(kit) == {"default hold_expired": 1, "default hold_expired_started": 1}
