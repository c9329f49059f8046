"""Finds which clients the requests are of that wait or run now."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from ...keys import Keys
from ..link.links import Link
from ..link.protocol import Command, RedisReply
from .processes import read_leases
from .values import ValueReader

SAMPLE = 100  # requests at each end of a queue that are looked at; each may have 64 KiB of body


class ClientLoad(NamedTuple):
    """One client.

    Attributes:
        address: as the front resolved it; empty where it is not known.
        waiting, running: its requests, among those looked at.
        path: the one that most of them ask for.
    """

    address: str
    waiting: int
    running: int
    path: str

    @property
    def requests(self) -> int:
        """All of them."""
        return self.waiting + self.running


class Clients(NamedTuple):
    """All clients, the busiest first.

    Attributes:
        seen: how many requests were looked at: the oldest and the newest of each queue.
        total: how many there are.
    """

    busiest: list[ClientLoad]
    seen: int
    total: int


class _Head(msgspec.Struct, frozen=True):
    """The part of a request's head that counts here."""

    path: str = "?"
    client: tuple[str, int | None] | None = None


_decode_head = msgspec.json.Decoder(_Head).decode


def read_clients(link: Link, queues: Sequence[str]) -> Clients:
    """Look at who asks for what waits in these queues or runs.

    Raises:
        BrokerUnavailable: it could not be asked.
    """
    values = ValueReader(link)
    leases, *replies = values.ask([("HGETALL", link.keys.leases), *_questions(link.keys, queues)])
    running = {(one.lease.queue, one.lease.entry) for one in read_leases(values, leases)}
    paths: dict[str, Counter[str]] = {}
    runs: Counter[str] = Counter()
    entries = _entries(queues, replies)
    for (queue, entry), head in _heads(values, entries):
        address = head.client[0] if head.client else ""
        paths.setdefault(address, Counter())[head.path] += 1
        runs[address] += (queue, entry) in running
    busiest = [
        ClientLoad(
            address, asked.total() - runs[address], runs[address], asked.most_common(1)[0][0]
        )
        for address, asked in paths.items()
    ]
    busiest.sort(key=lambda one: (-one.requests, one.address))
    return Clients(busiest, len(entries), sum(replies[2::3]))


def _questions(keys: Keys, queues: Sequence[str]) -> Iterable[Command]:
    for queue in queues:
        stream = keys.named("queue", queue)
        yield "XRANGE", stream, "-", "+", "COUNT", SAMPLE
        yield "XREVRANGE", stream, "+", "-", "COUNT", SAMPLE
        yield "XLEN", stream


Entries = dict[tuple[str, str], list[bytes]]  # queue and entry id -> fields


def _entries(queues: Sequence[str], replies: Sequence[RedisReply]) -> Entries:
    """Put both ends of each queue together: what is in both counts once."""
    found: Entries = {}
    for queue, oldest, newest in zip(queues, replies[::3], replies[1::3], strict=True):
        for id, fields in (*oldest, *newest):
            found[queue, id.decode()] = fields
    return found


def _heads(values: ValueReader, entries: Entries) -> Iterable[tuple[tuple[str, str], _Head]]:
    for place, flat in entries.items():
        raw = dict(zip(flat[::2], flat[1::2], strict=True)).get(b"h")
        yield place, values.json(_decode_head, raw, _Head())
