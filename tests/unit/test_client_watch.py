"""When a held request hears that its client has left, or that its hold is over."""

import asyncio

import pytest

from queueproxy.broker.encoded_request import EncodedRequest
from queueproxy.front.client_watch import WATCH_AFTER, ClientWatch
from queueproxy.front.held_request import HeldRequest, HoldEnd
from queueproxy.front.memory import MemoryBudget
from queueproxy.records import Meta

REQUEST = {"type": "http.request", "body": b"", "more_body": False}
DISCONNECT = {"type": "http.disconnect"}

pytestmark = pytest.mark.usefixtures("own_time")


class Connection:
    """What the server gives, message by message."""

    def __init__(self):
        self.messages: asyncio.Queue[dict] = asyncio.Queue()
        self.messages.put_nowait(REQUEST)
        self.asked = asyncio.Event()

    async def receive(self) -> dict:
        self.asked.set()
        return await self.messages.get()


@pytest.fixture
async def connection():
    return Connection()


@pytest.fixture
async def hold():
    watches = []

    def begin(connection: Connection, seconds: float) -> tuple[HeldRequest, ClientWatch]:
        meta = Meta("r", "f", int(seconds * 1000), 0, 0, 2)
        order = EncodedRequest("default", meta, b"", b"", b"")
        held = HeldRequest(order, asyncio.get_running_loop(), MemoryBudget(1 << 20).reservation())
        watches.append(ClientWatch(held, connection.receive))
        return held, watches[-1]

    yield begin
    for watch in watches:
        watch.__exit__()


async def test_a_client_that_leaves_is_seen(connection, hold):
    held, _ = hold(connection, 60)
    connection.messages.put_nowait(DISCONNECT)
    assert await asyncio.wait_for(held.next_event(), 5) is HoldEnd.CLIENT_LEFT


async def test_the_hold_ends_while_the_client_is_there(connection, hold):
    began = asyncio.get_running_loop().time()
    held, _ = hold(connection, WATCH_AFTER * 2)
    assert await asyncio.wait_for(held.next_event(), 5) is HoldEnd.EXPIRED
    assert asyncio.get_running_loop().time() - began == pytest.approx(WATCH_AFTER * 2)
    connection.messages.put_nowait(DISCONNECT)
    assert await asyncio.wait_for(held.next_event(), 5) is HoldEnd.CLIENT_LEFT


async def test_a_hold_shorter_than_that_ends_too(connection, hold):
    held, _ = hold(connection, WATCH_AFTER / 10)
    assert await asyncio.wait_for(held.next_event(), 5) is HoldEnd.EXPIRED


async def test_who_is_answered_at_once_is_not_watched(connection, hold):
    _, watch = hold(connection, 60)
    watch.__exit__()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.asked.wait(), WATCH_AFTER * 2)


async def test_the_client_of_a_stream_is_watched_from_its_first_frame_on(connection, hold):
    held, watch = hold(connection, WATCH_AFTER * 2)
    watch.follow_stream()
    await asyncio.wait_for(connection.asked.wait(), 5)
    watch.follow_stream()
    with pytest.raises(TimeoutError):  # the hold is over, the stream is not
        await asyncio.wait_for(held.next_event(), WATCH_AFTER * 3)
    connection.messages.put_nowait(DISCONNECT)
    assert await asyncio.wait_for(held.next_event(), 5) is HoldEnd.CLIENT_LEFT


async def test_nothing_is_told_of_what_is_over(connection, hold):
    held, watch = hold(connection, 1.0)
    await asyncio.wait_for(connection.asked.wait(), 5)
    watch.__exit__()
    connection.messages.put_nowait(DISCONNECT)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(held.next_event(), 1.2)
