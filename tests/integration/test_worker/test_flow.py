"""A stream goes on as far as its client takes it, whatever is lost on the way (P8, P9)."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

import pytest

from queueproxy.worker import stream_flow
from queueproxy.worker.reply import WINDOW

from ...brokers import BrokerKit, eventually
from ...faults.proxy import FROM_BROKER, TO_BROKER, Proxy
from ...kit.broker_server import BrokerServer
from ...kit.ports import free_port
from ..test_leaving import Connection
from . import views
from .harness import WorkerInThread
from .test_streams import PIECE, waits_for_client

AHEAD = WINDOW // PIECE  # pieces
LONG = 31.0  # seconds
AT_ONCE = 2.0  # seconds; who is not told looks after five


class Reader(Connection):
    """A client that takes as many pieces of its answer as it is let."""

    def __init__(self, front, path: str):
        self._path, _, self._query = path.partition("?")
        self.taken = 0  # pieces
        self._let = asyncio.Semaphore(0)
        super().__init__(front)

    def _scope(self) -> dict:
        about = {"path": self._path, "raw_path": self._path.encode()}
        return super()._scope() | about | {"query_string": self._query.encode()}

    def take(self, pieces: int) -> None:
        for _ in range(pieces):
            self._let.release()

    async def _send(self, message: dict) -> None:
        if message.get("body"):
            await self._let.acquire()
            self.taken += 1
        await super()._send(message)

    def disconnect(self) -> None:
        super().disconnect()
        self.take(10 * AHEAD)  # a server's `send` returns when its client has gone

    @property
    def complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False


class Sides:
    """A broker of the test's own; a front and a worker, each behind a proxy of its own."""

    def __init__(self, port: int, make_front):
        self.kit = BrokerKit(f"redis://127.0.0.1:{port}")
        self.proxies = {"front": Proxy(port), "worker": Proxy(port)}
        self._kits = {name: BrokerKit(proxy.url) for name, proxy in self.proxies.items()}
        self.front = make_front(self._kits["front"])
        self.worker = WorkerInThread(self._kits["worker"])
        self.worker.start()

    async def ahead(self, taken: int = 0) -> None:
        """Wait until all that may be sent to a client that has taken so many pieces has arrived."""

        def arrived() -> bool:
            held = list(self.front.inbox.held_requests.values())
            return bool(held) and held[0].next_seq >= taken + AHEAD + 2  # the head is one

        await eventually(lambda: arrived() and waits_for_client(self.kit))

    def acknowledged(self) -> list[int]:
        """Bytes of streams, as the broker knows it."""
        flow = self.kit.keys.named("flow", self.worker.id)
        return [int(taken) for taken in self.kit.client.hvals(flow)]

    async def close(self) -> None:
        self.worker.worker.stop()
        await asyncio.to_thread(self.worker.ended)
        for kit in (self.kit, *self._kits.values()):
            await kit.close()
        for proxy in self.proxies.values():
            proxy.close()


@asynccontextmanager
async def private():
    port = free_port()
    server = BrokerServer(port=str(port)).start()
    try:
        yield server, port
    finally:
        server.stop()


@pytest.fixture
async def own_server():
    async with private() as pair:
        yield pair


@pytest.fixture
async def sides(own_server, make_front, start_worker, state):
    """`start_worker` sets the site up."""
    sides = Sides(own_server[1], make_front)
    yield sides
    state.gate.set()
    await sides.close()


async def test_a_view_that_is_silent_for_long(kit, front, start_worker, state, monkeypatch):
    """What its client took before is not forgotten: else it had no room left to go on in."""
    monkeypatch.setattr(views, "PATIENCE", 3 * LONG)
    worker = start_worker()
    reader = Reader(front, f"/stream/{PIECE}/{2 * AHEAD}/?wait={AHEAD}")
    reader.take(2 * AHEAD)

    def told() -> list[bytes]:
        return kit.client.hvals(kit.keys.named("flow", worker.id))

    await eventually(lambda: told() == [b"%d" % WINDOW], "all is taken")
    began = kit.now_ms()
    await eventually(lambda: kit.now_ms() > began + LONG * 1000, timeout=LONG + 10)
    state.gate.set()
    await eventually(lambda: reader.complete)
    assert reader.taken == 2 * AHEAD


@pytest.mark.parametrize("direction", [TO_BROKER, FROM_BROKER])
async def test_the_fronts_link_breaks_while_it_acknowledges(sides, state, direction):
    reader = Reader(sides.front, f"/stream/{PIECE}/{3 * AHEAD}/")
    await sides.ahead()
    sides.proxies["front"].block(direction)
    reader.take(3 * AHEAD)
    await eventually(lambda: reader.taken >= AHEAD)
    if direction == FROM_BROKER:
        await eventually(lambda: sides.acknowledged() and sides.acknowledged()[0] >= WINDOW)
    sides.proxies["front"].heal()
    await eventually(lambda: reader.complete)
    assert reader.taken == 3 * AHEAD


@pytest.mark.parametrize("side", ["front", "worker"])
async def test_broken_connections_in_a_row(sides, state, side):
    """Each in the moment in which news of the client is on its way."""
    times = 31
    pieces = 4 * times + 2 * AHEAD
    reader = Reader(sides.front, f"/stream/{PIECE}/{pieces}/")
    for number in range(times):
        await sides.ahead(4 * number)
        sides.proxies[side].block(FROM_BROKER)
        reader.take(4)
        await eventually(lambda n=number: reader.taken == 4 * (n + 1))
        if side == "worker":
            said = [4 * PIECE * (number + 1)]
            await eventually(lambda said=said: sides.acknowledged() == said)
        sides.proxies[side].heal()
    reader.take(pieces)
    await eventually(lambda: reader.complete)
    assert reader.taken == pieces


async def test_a_broker_that_comes_back_with_older_data(sides, own_server, state):
    """It has forgotten what the client had taken before the worker could hear of it."""
    server, _ = own_server
    reader = Reader(sides.front, f"/stream/{PIECE}/{3 * AHEAD}/")
    await sides.ahead()
    sides.kit.client.save()
    sides.proxies["worker"].block(FROM_BROKER)
    reader.take(AHEAD + 1)  # all that was sent
    await eventually(lambda: sides.acknowledged() == [WINDOW])
    server.kill()
    sides.proxies["worker"].heal()
    server.start()
    reader.take(2 * AHEAD)
    await eventually(lambda: reader.complete)
    assert reader.taken == 3 * AHEAD


async def test_a_departure_ends_a_view_that_waits_for_its_client(kit, front, start_worker, state):
    start_worker()
    took = []
    for number in range(3):
        reader = Reader(front, f"/stream/{PIECE}/1000000/")
        await eventually(lambda reader=reader: waits_for_client(kit) and reader.sent)
        await eventually(lambda n=number: state.made == (AHEAD + 2) * (n + 1))
        began = time.perf_counter()
        reader.disconnect()
        await eventually(lambda n=number: state.closed == n + 1)
        took.append(time.perf_counter() - began)
    assert min(took) < AT_ONCE


async def test_after_another_registration(kit, front, start_worker, state, monkeypatch):
    """The process hears of its clients under its new name; at rest nothing is left of that."""
    monkeypatch.setattr(stream_flow, "LINGER", 0.1)
    worker = start_worker()
    for _ in range(2):
        reader = Reader(front, f"/stream/{PIECE}/{3 * AHEAD}/")
        await eventually(lambda: waits_for_client(kit))
        reader.take(3 * AHEAD)
        await eventually(lambda reader=reader: reader.complete)
        first = worker.id
        kit.link().script("worker_reap", first)
        kit.client.rpush(kit.keys.named("bell", "default"), "1")  # it looks, and finds that out
        await eventually(lambda first=first: worker.id != first)
    await eventually(lambda: "stream-flow" not in [t.name for t in threading.enumerate()])
    assert "flow" not in kit.left()
