"""A body from a connection through the broker to a worker's thread."""

import asyncio
import random

import pytest

from queueproxy.broker.claims import CHUNKS_AT_ONCE, Settlement
from queueproxy.exceptions import DecodeError
from queueproxy.front.http.body import BodyTooLarge, ClientDisconnected
from queueproxy.front.upload import CHUNK, INLINE, Body, NoRoom, take_body

from ..brokers import eventually

LIMIT = 1 << 25  # bytes
ROOM = (1 << 24) * 3 // 4  # bytes that the broker takes of these tests' front


def noise(size: int) -> bytes:
    """No two chunks alike."""
    return random.Random(size).randbytes(size)


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


async def take(front, *pieces: bytes, limit: int = LIMIT, left: bool = False) -> Body:
    """Take in a body that comes in these pieces; `left`: the client leaves before the end."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"} if left else {"type": "http.request"})

    async def receive() -> dict:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    with front.memory.reservation() as memory:
        return await take_body(front, "a", receive, memory, limit=limit, expires=60)


def chunks(kit) -> list[bytes]:
    """Those with the broker, in order."""
    found = kit.client.hgetall(kit.keys.named("body", "a"))
    return [found[key] for key in sorted(found, key=int)]


async def claim_with(kit, front, body: bytes, number: int):
    """The claim of a request with so many chunks, and the worker_broker that has it."""
    front.hold(kit.encoded_request(front.id, "a", body=body, chunks=number))
    worker_broker = kit.worker_broker()
    found = []

    def claimed() -> bool:
        found.append(worker_broker.settle_and_claim(None))
        return found[-1] is not None

    await eventually(claimed)
    return worker_broker, found[-1]


async def test_the_largest_inline_body(kit, front):
    body = noise(INLINE)
    assert await take(front, *cut(body, 1000)) == Body(INLINE, body, body, 0)
    assert chunks(kit) == []


async def test_one_byte_more_goes_to_the_broker(kit, front):
    body = noise(INLINE + 1)
    taken = await take(front, body)
    assert (taken.size, taken.inline, taken.chunks) == (INLINE + 1, b"", 1)
    assert chunks(kit) == [body]


@pytest.mark.parametrize("piece", [CHUNK // 4, CHUNK // 4 - 1, CHUNK - 1, CHUNK, CHUNK + 1, LIMIT])
async def test_chunks_are_bounded_however_the_body_comes(kit, front, piece):
    body = noise(8 * CHUNK + 1)
    taken = await take(front, *cut(body, piece))
    *full, last = map(len, chunks(kit))
    assert b"".join(chunks(kit)) == body
    assert (taken.size, taken.chunks) == (len(body), len(full) + 1)
    assert all(CHUNK <= size < 2 * CHUNK for size in full)
    assert 0 < last < 2 * CHUNK


@pytest.mark.parametrize("number", [1, CHUNKS_AT_ONCE, CHUNKS_AT_ONCE + 1, 2 * CHUNKS_AT_ONCE + 1])
async def test_the_worker_gets_the_body_that_was_sent(kit, front, number):
    body = noise(number * CHUNK)
    taken = await take(front, body)
    assert taken.chunks == number
    worker_broker, claim = await claim_with(kit, front, body, number)
    assert worker_broker.open(claim).body == body
    worker_broker.settle_and_claim(Settlement(claim, "abandoned"), claim=False)
    assert kit.counters() == kit.there()


async def test_a_chunk_that_is_missing_is_seen(kit, front):
    body = noise((CHUNKS_AT_ONCE + 1) * CHUNK)
    taken = await take(front, body)
    worker_broker, claim = await claim_with(kit, front, body, taken.chunks)
    kit.client.hdel(kit.keys.named("body", "a"), CHUNKS_AT_ONCE)
    with pytest.raises(DecodeError, match="missing"):
        worker_broker.open(claim)


async def test_what_is_no_body_is_refused(kit, front):
    body = noise(CHUNK)
    taken = await take(front, body)
    worker_broker, claim = await claim_with(kit, front, body, taken.chunks)
    kit.client.set(kit.keys.named("body", "a"), "a stranger's")
    with pytest.raises(DecodeError, match="another type"):
        worker_broker.open(claim)


async def test_what_the_broker_has_no_room_for_leaves_nothing(kit, front):
    with pytest.raises(NoRoom):
        await take(front, noise(ROOM + 1))
    await eventually(lambda: chunks(kit) == [] and kit.counters().bytes == 0)


async def test_as_much_as_the_broker_has_room_for(kit, front):
    taken = await take(front, noise(ROOM))
    assert taken.chunks * CHUNK == taken.size == kit.counters().bytes


@pytest.mark.parametrize(
    ("error", "options"),
    [(BodyTooLarge, {"limit": CHUNK + 1}), (ClientDisconnected, {"left": True})],
)
async def test_a_body_that_breaks_off_leaves_nothing(kit, front, error, options):
    with pytest.raises(error):
        await take(front, noise(CHUNK), b"ab", **options)
    await eventually(lambda: chunks(kit) == [] and kit.counters().bytes == 0)


async def test_a_client_that_leaves_is_seen_while_the_broker_is_away(kit, front, broker):
    broker.freeze()
    try:
        async with asyncio.timeout(5):
            with pytest.raises(ClientDisconnected):
                await take(front, noise(CHUNK), left=True)
    finally:
        broker.thaw()


async def test_what_is_kept_of_a_body_is_counted_as_it_comes(kit, front):
    half = front.memory.size // 2
    with front.memory.reservation() as others:
        assert others.keep(half - INLINE)
        await take(front, noise(1000))
        with pytest.raises(NoRoom):
            await take(front, *cut(noise(INLINE + 1), 1000))  # with what Python adds to each
    assert front.memory.requests == 0
