"""Lists what waits and what is dead by what a person asks for, and acts on all of that.

The scripts look through some hundred entries a call, and withdraw a hundred: nobody waits long for
the broker meanwhile, however many there are.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote

from ..link.links import Link
from ..link.protocol import Command, checked
from ..observe.entries import DEAD, entries
from ..observe.lease_clock import FIELD, lease_clock, server_ms
from ..observe.processes import read_leases
from ..observe.values import ValueReader
from .listed import DeadLetter, Waiting, dead_letter_of, waiting_of

MOST_LOOKED = (
    20_000  # entries of a queue, the oldest; of more it is said that not all were looked at
)
AT_ONCE = 100  # requests that one script withdraws
DISCARDED_AT_ONCE = 500

Row = TypeVar("Row", Waiting, DeadLetter)


class Wanted(NamedTuple):
    """What is to be listed; what is empty or 0 is any.

    Attributes:
        text: a part of the path or of the request id, in any case.
        queue, method, reason: as they stand there; a reason is a dead letter's.
        at_least: seconds that it has waited.
        until: ms of the broker's clock; what came later is left out.
    """

    text: str = ""
    queue: str = ""
    method: str = ""
    reason: str = ""
    at_least: float = 0.0
    until: int = 0


@dataclass
class Listed(Generic[Row]):
    """What was found.

    Attributes:
        rows: that are wanted.
        total: of those looked at.
        complete: whether all were looked at.
        now: ms of the broker's clock before it was looked at them.
        reasons: of the dead letters that were looked at.
    """

    now: int
    rows: list[Row] = field(default_factory=list)
    total: int = 0
    complete: bool = True
    reasons: set[str] = field(default_factory=set)


class Lists:
    """Reads and acts. Each method raises BrokerUnavailable where it could not be asked.

    Args:
        link: its owner's.
    """

    def __init__(self, link: Link):
        self._link = link
        self._keys = link.keys

    def waiting(self, queues: Sequence[str], wanted: Wanted) -> Listed[Waiting]:
        """List what waits and is wanted, what has waited longest first."""
        clock, running, now = self._moment()
        found = Listed[Waiting](now)
        for queue in queues:
            if wanted.queue and wanted.queue != queue:
                continue
            for looked, (entry, fields) in enumerate(entries(self._link, queue)):
                if looked >= MOST_LOOKED:
                    found.complete = False
                    break
                if (queue, entry) in running or _is_later(entry, wanted.until):
                    continue
                request = waiting_of(queue, entry, fields, clock)
                found.total += 1
                if request.seconds >= wanted.at_least and _fits(request, wanted):
                    found.rows.append(request)
        found.rows.sort(key=lambda request: [int(part) for part in request.entry.split("-")])
        return found

    def dead(self, wanted: Wanted) -> Listed[DeadLetter]:
        """List the dead letters that are wanted, newest first, without their bodies."""
        found = Listed[DeadLetter](self._moment()[2])
        for id, fields in entries(self._link, DEAD, newest_first=True):
            if _is_later(id, wanted.until):
                continue
            letter = dead_letter_of(id, fields)
            found.total += 1
            found.reasons.add(letter.reason)
            if _letter_fits(letter, wanted):
                found.rows.append(letter)
        return found

    def _moment(self) -> tuple[int, set[tuple[str, str]], int]:
        """Ask for the lease clock, what runs (queue and entry), and the broker's clock; ms."""
        values = ValueReader(self._link)
        questions: list[Command] = [("TIME",), ("HMGET", self._keys.state, FIELD)]
        time, (clock,), leases = values.ask([*questions, ("HGETALL", self._keys.leases)])
        now = server_ms(time)
        running = {(one.lease.queue, one.lease.entry) for one in read_leases(values, leases)}
        return lease_clock(clock, now), running, now

    def whole_letters(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Read these again with their bodies; those that are gone are left out."""
        dead = self._keys.dead
        commands: list[Command] = [("XRANGE", dead, letter.id, letter.id) for letter in letters]
        replies = map(checked, self._link.commands(commands) if commands else [])
        return [
            dead_letter_of(id.decode(), dict(zip(flat[::2], flat[1::2], strict=True)))
            for found in replies
            for id, flat in found
        ]

    def withdraw(self, requests: Iterable[Waiting]) -> int:
        """Take these off; their clients get 503. How many of them still waited."""
        withdrawn = 0
        by_queue = sorted(requests, key=lambda request: request.queue)
        for queue, ones in groupby(by_queue, key=lambda request: request.queue):
            for some in _pieces(ones, AT_ONCE):
                told = self._link.script("operator_withdraw", queue, *(one.entry for one in some))
                withdrawn += told.count(b"ok")
        return withdrawn

    def discard(self, letters: Iterable[DeadLetter]) -> int:
        """Delete these; how many of them were still there."""
        discarded = 0
        for some in _pieces(letters, DISCARDED_AT_ONCE):
            ids = [letter.id for letter in some]
            (gone,) = self._link.commands([("XDEL", self._keys.dead, *ids)])
            discarded += checked(gone)
        return discarded


def _is_later(entry: str, until: int) -> bool:
    return bool(until) and int(entry.partition("-")[0]) > until


def _fits(request: Waiting, wanted: Wanted) -> bool:
    if wanted.method and request.method != wanted.method:
        return False
    return _is_in(wanted.text, request.path, request.request_id)


def _letter_fits(letter: DeadLetter, wanted: Wanted) -> bool:
    head = letter.head
    if wanted.queue and letter.queue != wanted.queue:
        return False
    if wanted.reason and letter.reason != wanted.reason:
        return False
    if wanted.method and head.method != wanted.method:
        return False
    return _is_in(wanted.text, head.path, head.request_id or "")


def _is_in(text: str, path: str, request_id: str) -> bool:
    """Whether it is a part, in any case, of the path as it was sent or is read, or of the id."""
    told = text.casefold()
    return any(told in word.casefold() for word in (path, unquote(path), request_id))


def _pieces(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some
