"""A body between its connection and its application."""

import asyncio

from queueproxy.servers.common.incoming import HIGH_WATER, Incoming


class Connection:
    """Counts what it is asked to do."""

    def __init__(self, length: int | None = None):
        self.asked: list[str] = []
        self.incoming = Incoming(
            length,
            lambda: self.asked.append("pause" if self.incoming.backlog else "resume"),
            lambda: self.asked.append("wanted"),
        )


def request(body: bytes, more: bool) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_what_is_there_is_one_message():
    incoming = Connection(2).incoming
    assert incoming.take(b"a") is None
    assert incoming.take(b"b, and what follows") == b", and what follows"
    assert await incoming.receive() == request(b"ab", more=False)


async def test_no_body_is_one_empty_message():
    connection = Connection(0)
    assert await connection.incoming.receive() == request(b"", more=False)
    assert connection.asked == []


async def test_the_end_can_come_later():
    incoming = Connection().incoming
    assert incoming.take(b"1\r\na\r\n") is None
    assert await incoming.receive() == request(b"a", more=True)
    waiting = asyncio.ensure_future(incoming.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert incoming.take(b"0\r\n\r\n") == b""
    assert await waiting == request(b"", more=False)


async def test_a_body_that_is_not_there_is_wanted():
    connection = Connection(1)
    waiting = asyncio.ensure_future(connection.incoming.receive())
    await asyncio.sleep(0)
    assert connection.asked == ["wanted"]
    connection.incoming.take(b"a")
    await waiting


async def test_the_client_waits_above_the_mark_and_goes_on_below():
    connection = Connection(HIGH_WATER + 2)
    connection.incoming.take(b"x" * HIGH_WATER)
    connection.incoming.take(b"x")
    await connection.incoming.receive()
    assert connection.asked == ["resume", "pause", "resume"]


async def test_a_lost_client_is_told_at_once_and_for_ever():
    incoming = Connection(2).incoming
    incoming.take(b"a")
    incoming.lose()
    assert incoming.size == 0
    for _ in range(2):
        assert await incoming.receive() == {"type": "http.disconnect"}


async def test_after_the_end_only_the_loss_is_news():
    incoming = Connection(0).incoming
    await incoming.receive()
    waiting = asyncio.ensure_future(incoming.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    incoming.lose()
    assert await waiting == {"type": "http.disconnect"}
