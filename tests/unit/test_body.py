"""Reading bodies: the exact limit, deadlines, clients that leave."""

import asyncio

import pytest

from queueproxy.front.http.body import (
    BodyTooLarge,
    BodyTooSlow,
    ClientDisconnected,
    discard_body,
    iter_body,
)


class Client:
    """Hands out messages in order, then is silent for ever."""

    def __init__(self, *messages: dict, every: float = 0):
        self.left = list(messages)
        self._every = every

    async def receive(self) -> dict:
        if not self.left:
            await asyncio.Event().wait()
        if self._every:
            await asyncio.sleep(self._every)
        return self.left.pop(0)


def piece(body: bytes, more: bool = True) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


GONE = {"type": "http.disconnect"}

pytestmark = pytest.mark.usefixtures("own_time")


async def read(client: Client, *, limit: int = 10, **options) -> list[bytes]:
    return [piece async for piece in iter_body(client.receive, limit=limit, **options)]


async def test_one_message():
    assert await read(Client(piece(b"abc", more=False))) == [b"abc"]


async def test_pieces_come_as_they_are_and_none_empty():
    client = Client(piece(b"ab"), piece(b""), piece(b"c"), piece(b"", more=False))
    assert await read(client) == [b"ab", b"c"]


async def test_body_and_more_are_optional():
    assert await read(Client({"type": "http.request"})) == []


@pytest.mark.parametrize("pieces", [[b"x" * 10], [b"x" * 5, b"x" * 5]])
async def test_exactly_the_limit_is_fine(pieces):
    client = Client(*map(piece, pieces), piece(b"", more=False))
    assert b"".join(await read(client)) == b"x" * 10


@pytest.mark.parametrize("pieces", [[b"x" * 11], [b"x" * 10, b"x"]])
async def test_one_more_is_too_large(pieces):
    client = Client(*map(piece, pieces), piece(b"", more=False))
    with pytest.raises(BodyTooLarge):
        await read(client)


async def test_too_large_is_seen_before_the_rest_is_read():
    client = Client(piece(b"x" * 11), piece(b"never", more=False))
    with pytest.raises(BodyTooLarge):
        await read(client)
    assert len(client.left) == 1


@pytest.mark.parametrize("before", [[], [piece(b"abc")]])
async def test_a_client_that_leaves(before):
    with pytest.raises(ClientDisconnected):
        await read(Client(*before, GONE))


async def test_silence_ends_with_the_slack():
    with pytest.raises(BodyTooSlow):
        await read(Client(piece(b"abc")), slack=0.05, min_rate=1e9)


async def test_bytes_buy_time():
    drops = [piece(b"x") for _ in range(8)]
    client = Client(*drops, piece(b"", more=False), every=0.03)
    assert len(await read(client, slack=0.15, min_rate=10)) == 8


async def test_dripping_below_the_rate_is_too_slow():
    drops = [piece(b"x") for _ in range(8)]
    with pytest.raises(BodyTooSlow):
        await read(Client(*drops, every=0.03), slack=0.05, min_rate=1e9)


async def test_no_rate_outlasts_the_total():
    drops = [piece(b"x") for _ in range(8)]
    with pytest.raises(BodyTooSlow):
        await read(Client(*drops, every=0.03), timeout=0.1, slack=60, min_rate=1)


async def test_time_the_reader_takes_is_not_the_clients():
    client = Client(piece(b"a"), piece(b"b"), piece(b"", more=False))
    async for _ in iter_body(client.receive, limit=10, slack=0.1, min_rate=1e9):
        await asyncio.sleep(0.08)
    assert client.left == []


@pytest.mark.parametrize("last", [piece(b"", more=False), GONE])
async def test_discarding_reads_to_the_end(last):
    client = Client(piece(b"x" * 1000), piece(b"x" * 1000), last)
    await discard_body(client.receive, timeout=5)
    assert client.left == []


async def test_discarding_gives_up_on_silence():
    async with asyncio.timeout(5):
        await discard_body(Client(piece(b"x")).receive, timeout=0.05)
