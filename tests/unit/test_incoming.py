"""A body between its connection and its application."""

import asyncio

from queueproxy.servers.common.incoming import HIGH_WATER, Incoming


class Connection:
    """Counts what it is asked to do."""

    def __init__(self):
        self.asked: list[str] = []
        self.incoming = Incoming(
            lambda: self.asked.append("pause" if self.incoming.backlog else "resume"),
            lambda: self.asked.append("wanted"),
        )


def request(body: bytes, more: bool) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_what_is_there_is_one_message():
    incoming = Connection().incoming
    incoming.feed(b"a")
    incoming.feed(b"b")
    incoming.end()
    assert await incoming.receive() == request(b"ab", more=False)


async def test_no_body_is_one_empty_message():
    connection = Connection()
    connection.incoming.end()
    assert await connection.incoming.receive() == request(b"", more=False)
    assert connection.asked == []


async def test_the_end_can_come_later():
    incoming = Connection().incoming
    incoming.feed(b"a")
    assert await incoming.receive() == request(b"a", more=True)
    waiting = asyncio.ensure_future(incoming.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    incoming.end()
    assert await waiting == request(b"", more=False)


async def test_a_body_that_is_not_there_is_wanted():
    connection = Connection()
    waiting = asyncio.ensure_future(connection.incoming.receive())
    await asyncio.sleep(0)
    assert connection.asked == ["wanted"]
    connection.incoming.feed(b"a")
    await waiting


async def test_the_client_waits_above_the_mark_and_goes_on_below():
    connection = Connection()
    connection.incoming.feed(b"x" * HIGH_WATER)
    assert connection.asked == []
    connection.incoming.feed(b"x")
    assert connection.asked == ["pause"]
    await connection.incoming.receive()
    assert connection.asked == ["pause", "resume"]


async def test_a_lost_client_is_told_at_once_and_for_ever():
    incoming = Connection().incoming
    incoming.feed(b"a")
    incoming.lose()
    for _ in range(2):
        assert await incoming.receive() == {"type": "http.disconnect"}


async def test_after_the_end_only_the_loss_is_news():
    incoming = Connection().incoming
    incoming.end()
    await incoming.receive()
    waiting = asyncio.ensure_future(incoming.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    incoming.lose()
    assert await waiting == {"type": "http.disconnect"}
