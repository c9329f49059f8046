"""The sender's steps toward a real broker don't wait for each other, and each is bounded."""

import asyncio
import logging
import threading

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.envelopes import PIECE_SIZE
from queueproxy.front.held_request import DeliveryState
from queueproxy.front.kept_body import KeptBody

from ..brokers import BrokerKit, eventually, ids_of, part
from ..kit.broker_server import BrokerServer
from .test_leaving import Connection
from .test_sender import hold, outcome

UPLOADS = 8
FULL = str(24 << 20)  # bytes of maxmemory


@pytest.fixture
async def small():
    """A server of the test's own with little memory, and its kit."""
    server = BrokerServer(maxmemory=FULL).start()
    kit = BrokerKit(server.url)
    yield kit
    await kit.close()
    server.stop()


def fill(kit: BrokerKit) -> None:
    """Leave no memory: from now on the broker refuses what takes more."""
    kit.client.config_set("maxmemory", str(kit.client.info("memory")["used_memory"] // 2))


def empty(kit: BrokerKit) -> None:
    kit.client.config_set("maxmemory", FULL)


async def test_a_broker_without_memory_still_takes_withdrawals_and_acknowledgements(
    small, make_front, caplog
):
    caplog.set_level(logging.INFO, "queueproxy.front")
    front = make_front(small)
    streamed, waiting = hold(small, front, "streamed", "waiting")
    await eventually(lambda: small.counters().waiting == 2)
    worker_broker = small.worker_broker()
    claim = worker_broker.settle_and_claim(None)
    worker_broker.push(claim, part(claim, 0))
    assert await outcome(streamed) == "200"
    fill(small)
    refused = hold(small, front, "refused", most=1)[0]
    await eventually(lambda: "Enqueueing" in caplog.text)
    streamed.kept.taken = 5
    front.acknowledge(streamed)
    await eventually(lambda: small.progress(worker_broker).taken == {"streamed": 5})
    assert await asyncio.wait_for(front.withdraw(waiting), 5) == "withdrawn"
    assert await asyncio.wait_for(front.withdraw(streamed), 5) == "in_flight"
    assert front.sender.reachable
    assert (refused.state, refused.times_sent) == (DeliveryState.PENDING, 0)
    worker_broker.settle_and_claim(Settlement(claim, "abandoned"), claim=False)
    empty(small)
    await eventually(lambda: small.counters().waiting == 1)
    assert ids_of(small.worker_broker()) == ["refused"]
    assert await outcome(refused) == "200"
    await eventually(lambda: "Enqueueing requests works again" in caplog.text)
    said = [record for record in caplog.records if "Enqueueing" in record.getMessage()]
    assert len(said) == 2  # once that it fails, once that it works again


async def test_withdrawn_while_the_broker_refuses_it(small, make_front, caplog):
    front = make_front(small)
    await eventually(lambda: front.sender.reachable)
    fill(small)
    (held,) = hold(small, front, "a")
    await eventually(lambda: "Enqueueing" in caplog.text)
    assert await asyncio.wait_for(front.withdraw(held), 5) == "unsent"
    empty(small)
    (later,) = hold(small, front, "later")
    await eventually(lambda: small.counters().waiting == 1)
    assert ids_of(small.worker_broker()) == ["later"]
    assert await outcome(later) == "200"


async def test_uploads_do_not_hold_up_small_requests(kit, front, monkeypatch):
    """While so many workers read piece upon piece, a small request waits for one trip at most."""
    trips: list[str] = []
    for name in ("hand_over", "enqueue"):
        monkeypatch.setattr(front._broker, name, recorded(name, front._broker, trips))
    body = b"x" * PIECE_SIZE
    kept = KeptBody(front.spool, front.memory.reservation())
    kept.append(body)

    def read(worker_broker, claim, over) -> None:
        while not over.is_set():
            worker_broker.pieces(claim, 1).read(0, again=True)

    over, readers = threading.Event(), []
    for number in range(UPLOADS):
        request = kit.encoded_request(front.id, f"upload{number}", body=body, piece_size=len(body))
        front.hold(request, body=kept)
        worker_broker = kit.worker_broker()
        claim = await eventually(lambda it=worker_broker: it.settle_and_claim(None))
        readers.append(asyncio.to_thread(read, worker_broker, claim, over))
    reading = asyncio.gather(*readers)
    await eventually(lambda: trips.count("hand_over") > UPLOADS)
    for number in range(50):
        before = len(trips)
        (held,) = hold(kit, front, f"small{number}")
        await eventually(lambda held=held: held.state is DeliveryState.QUEUED)
        assert trips[before:].index("enqueue") <= 1
    over.set()
    await reading


def recorded(name: str, broker, trips: list[str]):
    """A method of the front's broker that notes each beginning of a trip."""
    method = getattr(broker, name)

    async def trip(*args):
        trips.append(name)
        return await method(*args)

    return trip


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_a_broker_flushed_again_and_again(kit, make_front, most):
    """A request goes out as often as it may be tried and no more; then its client gets 502."""
    front = make_front(kit, lease=0.6)
    connection = Connection(front, max_attempts=most)
    for time in range(1, most + 1):
        await eventually(lambda: kit.counters().waiting == 1)
        (held,) = front.inbox.held_requests.values()
        assert held.times_sent == time
        kit.client.flushall()
    await connection.end()
    assert connection.sent[0]["status"] == 502
    assert (held.times_sent, kit.counters().waiting) == (most, 0)


async def test_an_error_of_the_broker_is_survived_and_said_once(small, make_front, caplog):
    """Every step is refused by another error than those for which one tries later."""
    kit = small
    front = make_front(kit, lease=3)
    await eventually(lambda: front.sender.reachable)
    caplog.set_level(logging.INFO, "queueproxy.front")
    kit.client.execute_command("ACL", "SETUSER", "default", "-fcall")
    try:
        (held,) = hold(kit, front, "a", most=1)
        await eventually(lambda: "fails (BrokerRefused" in caplog.text)
        await eventually(lambda: not front.sender.reachable)
    finally:
        kit.client.execute_command("ACL", "SETUSER", "default", "+fcall")
    await eventually(lambda: kit.counters().waiting == 1)
    await eventually(lambda: front.sender.reachable)
    assert ids_of(kit.worker_broker()) == ["a"]
    assert await outcome(held) == "200"
    said = [record.getMessage() for record in caplog.records]
    (told,) = [line for line in said if "fails" in line]
    assert "refuses FCALL " in told
    assert "NOPERM" in told
