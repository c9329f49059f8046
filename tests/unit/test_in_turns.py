"""Much that comes at once is parsed over many turns of the event loop."""

import asyncio

import pytest

from queueproxy.servers.common.in_turns import AT_ONCE, InTurns
from queueproxy.servers.common.limits import LOOKAHEAD


class Parsed:
    def __init__(self):
        self.pieces = []
        self.reading = True
        self.in_turns = InTurns(
            asyncio.get_running_loop(), self.pieces.append, self.pause, self.resume
        )

    def pause(self):
        self.reading = False

    def resume(self):
        self.reading = True


@pytest.fixture
async def parsed():
    parsed = Parsed()
    parsed.in_turns.begin()
    return parsed


async def test_before_it_begins_a_little_is_kept_and_nothing_parsed():
    parsed = Parsed()
    parsed.in_turns.feed(b"x" * LOOKAHEAD)
    assert parsed.reading
    parsed.in_turns.feed(b"y")
    assert not parsed.reading
    assert not parsed.pieces
    parsed.in_turns.begin()
    while parsed.in_turns.busy:
        assert not parsed.reading
        await asyncio.sleep(0)
    assert b"".join(parsed.pieces) == b"x" * LOOKAHEAD + b"y"
    assert parsed.reading


async def test_what_is_short_is_parsed_at_once(parsed):
    parsed.in_turns.feed(b"x" * AT_ONCE)
    assert parsed.pieces == [b"x" * AT_ONCE]
    assert parsed.reading
    assert not parsed.in_turns.busy


async def test_what_is_long_is_parsed_a_piece_a_turn_and_nothing_is_read_meanwhile(parsed):
    parsed.in_turns.feed(b"a" * AT_ONCE + b"b" * AT_ONCE)
    assert parsed.pieces == [b"a" * AT_ONCE]
    assert parsed.in_turns.busy
    assert not parsed.reading
    parsed.resume()  # an application has taken a message
    parsed.in_turns.feed(b"c")  # what had been read before that
    assert len(parsed.pieces) == 1
    assert not parsed.reading
    await asyncio.sleep(0)
    assert parsed.pieces[1:] == [b"b" * AT_ONCE]
    assert not parsed.reading
    await asyncio.sleep(0)
    assert parsed.pieces[2:] == [b"c"]
    assert parsed.reading
    assert not parsed.in_turns.busy


async def test_after_its_end_nothing_is_parsed(parsed):
    parsed.in_turns.feed(b"x" * 3 * AT_ONCE)
    parsed.in_turns.end()
    assert not parsed.in_turns.busy
    await asyncio.sleep(0)
    assert len(parsed.pieces) == 1
