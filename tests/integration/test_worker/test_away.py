"""The broker goes away and comes back, whatever a worker is at: nothing is lost, little is said."""

import pytest

from queueproxy.worker import reply

from ...brokers import BrokerKit, eventually
from ...kit.broker_server import BrokerServer
from .harness import Client
from .test_streams import AHEAD, PIECE, waits_for_client


@pytest.fixture
def own_broker(monkeypatch):
    """A server of the test's own, whose memory survives a kill."""
    server = BrokerServer(appendonly="yes", appendfsync="always").start()
    yield server
    server.stop()


@pytest.fixture
async def kit(own_broker):
    """In place of the one that all tests share."""
    kit = BrokerKit(own_broker.url)
    yield kit
    await kit.close()


@pytest.fixture
def said(caplog):
    """What was said of the broker, in order."""
    caplog.set_level("INFO", "queueproxy.worker")

    def said() -> list[str]:
        told = [record.getMessage() for record in caplog.records]
        return [line.partition(" is ")[2].partition(":")[0] for line in told if "roker is" in line]

    return said


ONE_LINE_EACH = ["away", "back."]


async def test_while_idle(client, start_worker, own_broker, said):
    start_worker(threads=3)
    assert await client.status(await client.ask("/run/before/")) == 200
    own_broker.kill()
    await eventually(said)
    own_broker.start()
    await eventually(lambda: said() == ONE_LINE_EACH)
    assert await client.status(await client.ask("/run/after/")) == 200
    assert said() == ONE_LINE_EACH


async def test_at_the_start(client, start_worker, own_broker, said):
    own_broker.kill()
    worker = start_worker()
    await eventually(said)
    own_broker.start()
    await eventually(lambda: "serving" in worker.told)
    await eventually(lambda: said() == ONE_LINE_EACH)


async def test_before_the_answer(client, start_worker, own_broker, state, said):
    start_worker()
    id = await client.ask("/run/a/?wait", "POST")
    await eventually(lambda: state.runs)
    own_broker.kill()
    state.gate.set()
    await eventually(said)
    own_broker.start()
    (frame,) = await client.whole(id)
    assert (frame.body, state.runs) == (b"a", ["POST a"])
    await eventually(lambda: said() == ONE_LINE_EACH)
    assert client.kit.counters() == client.kit.there()


@pytest.mark.parametrize("djangos", [True, False], ids=["closed quickly", "closed slowly"])
async def test_a_response_is_closed_once_and_meanwhile(
    client, start_worker, own_broker, state, said, at_the_end, djangos
):
    closings = []
    at_the_end(lambda: closings.append(1), djangos=djangos)
    start_worker()
    id = await client.ask("/run/a/?wait", "POST")
    await eventually(lambda: state.runs)
    own_broker.kill()
    state.gate.set()
    await eventually(lambda: closings)
    await eventually(said)
    own_broker.start()
    assert await client.status(id) == 200
    assert await client.status(await client.ask("/run/b/")) == 200
    await eventually(lambda: len(closings) == 2)


async def test_before_the_first_frame_of_a_stream(client, start_worker, own_broker, state, said):
    start_worker()
    id = await client.ask("/stream/2/2/?wait=0")
    await eventually(lambda: client.kit.counters().in_flight == 1)
    own_broker.kill()
    state.gate.set()
    await eventually(said)
    own_broker.start()
    frames = await client.whole(id)
    assert b"".join(frame.body for frame in frames) == b"aabb"


@pytest.mark.parametrize("waiting", ["for its client", "for the view"])
async def test_in_the_middle_of_a_stream(
    client, start_worker, kit, own_broker, state, said, waiting, monkeypatch
):
    monkeypatch.setattr(reply, "LOOK_AGAIN", 0.2)
    start_worker()
    if waiting == "for its client":
        id, length = await client.ask(f"/stream/{PIECE}/24/"), 24 * PIECE
        await eventually(lambda: waits_for_client(kit) and state.made > AHEAD)
    else:
        id, length = await client.ask("/stream/2/9/?wait=3"), 18
        await eventually(lambda: state.made == 3)
    own_broker.kill()
    state.gate.set()
    await eventually(said)
    own_broker.start()
    await eventually(lambda: said() == ONE_LINE_EACH)
    await client.take(id, 20 * PIECE)
    frames = await client.whole(id)
    assert not frames[-1].head.aborted
    assert sum(len(frame.body) for frame in frames) == length
    assert state.closed == 1


async def test_a_broker_that_has_forgotten_everything(start_worker, kit, state, said):
    """What it was at is nobody's any more; it registers again by itself."""
    client = Client(kit, await kit.front_broker())
    worker = start_worker(lease=1.5)
    id = await client.ask("/run/a/?wait")
    await eventually(lambda: state.runs)
    kit.client.flushall()
    state.gate.set()
    await eventually(lambda: sum(":" in word for word in worker.told) == 2, "registered again")
    other = Client(kit, await kit.front_broker("front-2"))
    assert await other.status(await other.ask("/run/b/")) == 200
    assert not await client.frames(id)


async def test_it_is_away_for_long(client, start_worker, own_broker, said):
    """Tries go on, and say nothing more."""
    start_worker(threads=4, lease=0.9)
    await eventually(lambda: client.kit.client.info("clients")["blocked_clients"] == 4)
    own_broker.kill()
    await eventually(said)
    for _ in range(3):
        own_broker.start()
        own_broker.kill()
    own_broker.start()
    await eventually(lambda: said() and said()[-1] == "back.")
    assert len(said()) <= 8  # a pair for each time it was there
    assert await client.status(await client.ask("/run/after/")) == 200


async def test_an_idle_worker_ends_also_while_the_broker_is_away(
    client, start_worker, own_broker, said
):
    worker = start_worker(graceful_timeout=60.0)
    await eventually(lambda: client.kit.client.info("clients")["blocked_clients"] == 1)
    own_broker.kill()
    await eventually(said)
    worker.worker.stop()
    assert worker.ended(10) == 0


async def test_one_that_holds_an_answer_keeps_trying_until_its_time_is_up(
    client, start_worker, own_broker, state, said
):
    worker = start_worker(graceful_timeout=1.0)
    await client.ask("/run/a/?wait")
    await eventually(lambda: state.runs)
    own_broker.kill()
    state.gate.set()
    await eventually(said)
    worker.worker.stop()
    assert worker.ended(15) == 3
