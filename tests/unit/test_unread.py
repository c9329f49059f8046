"""What all clients of a server together have sent ahead of their applications."""

import pytest

from queueproxy.servers.common import limits
from queueproxy.servers.common.unread import UnreadBytes

from ..brokers import eventually


class Reader:
    """One that has some bytes."""

    def __init__(self, unread: UnreadBytes):
        self._unread = unread
        self.held = self.given_up = False

    def has(self, size: int) -> None:
        self._unread.note(self, size)

    def regulate(self) -> None:
        self.held = self._unread.full

    def give_up_unread(self) -> None:
        self.given_up = True
        self.has(0)


@pytest.fixture
def readers():
    everybody: list[Reader] = []
    unread = UnreadBytes(everybody, most=100)
    everybody.extend(Reader(unread) for _ in range(3))
    return everybody


async def test_up_to_the_limit_all_are_read(readers):
    for reader, size in zip(readers, (50, 30, 20), strict=True):
        reader.has(size)
    assert not any(reader.held for reader in readers)


async def test_past_it_nobody_is_read_until_half_is_free(readers):
    first, second, third = readers
    first.has(60)
    second.has(41)
    assert all(reader.held for reader in readers)
    second.has(0)
    assert third.held
    first.has(50)
    assert not any(reader.held for reader in readers)
    assert not any(reader.given_up for reader in readers)


async def test_who_has_most_is_given_up_where_nothing_is_taken(readers):
    first, second, third = readers
    first.has(40)
    second.has(45)
    third.has(20)
    assert first.held
    await eventually(lambda: not first.held)
    assert [reader.given_up for reader in readers] == [True, True, False]


async def test_what_was_taken_in_time_is_not_given_up(readers, monkeypatch):
    monkeypatch.setattr(limits, "TAKEN_WITHIN", 0.0)
    first, second, _ = readers
    first.has(101)
    first.has(0)
    second.has(40)
    await eventually(lambda: not second.held)
    assert not any(reader.given_up for reader in readers)
