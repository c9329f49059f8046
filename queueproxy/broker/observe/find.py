"""Finds requests by the id that people know them by (``X-Request-ID``), and what became of each."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from ..answered import ENDS, KINDS, REFUSED, AnsweredRequest, Time, decode_answered
from ..answered import LEFT as CLIENT_LEFT
from ..link.links import Link
from ..link.protocol import Command
from .entries import DEAD, Entry, entries
from .found_request import (
    ANSWERED,
    DEAD_LETTER,
    LEFT,
    RUNNING,
    TURNED_AWAY,
    WAITING,
    FoundRequest,
    Moment,
    joined,
)
from .lease_clock import FIELD, lease_clock, server_ms
from .processes import InFlight, read_leases
from .values import ValueReader

AT_ONCE = 1000  # of what is kept of those answered, read by one command


class _Head(msgspec.Struct, frozen=True):
    """The part of a request's head that is of interest, with defaults where it can't be read."""

    id: str = ""
    request_id: str = ""
    method: str = "?"
    path: str = "?"
    front: str = ""
    sent: Time = 0

    @property
    def arrived(self) -> Moment:
        return Moment("arrived", self.sent / 1000, self.front)


_decode_head = msgspec.json.Decoder(_Head).decode
_encode = msgspec.json.Encoder().encode


# Fields of a dead letter.
_OF_LETTERS = (b"entry", b"worker", b"queue", b"reason", b"claimed")


class _Now(NamedTuple):
    """The clocks of one moment, and what runs then, by queue and entry."""

    seconds: float
    clock_ms: int
    running: dict[tuple[str, str], InFlight]


class RequestFinder:
    """Finds requests.

    Args:
        link: its owner's.
        queues: all that are configured.
    """

    def __init__(self, link: Link, queues: Sequence[str]):
        self._link = link
        self._queues = queues
        self._values = ValueReader(link)

    def find(self, request_id: str) -> list[FoundRequest]:
        """Find all of this id, the newest first: a client may send one id several times.

        Raises:
            BrokerUnavailable: it could not be asked.
            SchemaMismatch: its state is another release's.
        """
        if not (request_id and request_id.isascii()):
            return []
        # What ends meanwhile is found where it went to: so those first that it goes on from.
        found = [*self._in_queues(request_id), *self._dead(request_id), *self._answered(request_id)]
        once = {(one.queue, one.entry or one.moments): one for one in found}
        return sorted(joined(once.values()), key=lambda one: one.moments[0].at, reverse=True)

    def kept_since(self, kept: int) -> float | None:
        """Tell since when all are found that were answered; None where nothing is kept.

        Args:
            kept: how many of each kind; those before these have been dropped.
        """
        keys = [self._link.keys.named("answered", kind) for kind in KINDS]
        last_kept = self._values.ask([("LRANGE", key, -kept, -kept) for key in keys])
        oldest = self._values.ask([("LRANGE", key, 0, 0) for key in keys])
        full, first = (self._ends(raw) for raw in (last_kept, oldest))
        return max(full) if full else min(first, default=None)

    def _ends(self, replies: Sequence[list[bytes]]) -> list[float]:
        notes = self._values.jsons(decode_answered, (text for found in replies for text in found))
        return [_moments_of(note)[-1].at for note in notes]

    def _heads(self, request_id: str, queue: str) -> Iterator[tuple[Entry, _Head]]:
        text = f'"request_id":{_encode(request_id).decode()}'
        for entry in entries(self._link, queue, text):
            head = self._values.json(_decode_head, entry[1].get(b"h"), _Head())
            if head.request_id == request_id:
                yield entry, head

    def _in_queues(self, request_id: str) -> Iterator[FoundRequest]:
        for queue in self._queues:
            for (entry, _), head in self._heads(request_id, queue):
                yield self._in_queue(queue, entry, head, self._now())

    def _now(self) -> _Now:
        keys = self._link.keys
        questions: list[Command] = [("TIME",), ("HMGET", keys.state, FIELD)]
        time, (clock,), leases = self._values.ask([*questions, ("HGETALL", keys.leases)])
        now = server_ms(time)
        held = read_leases(self._values, leases)
        running = {(one.lease.queue, one.lease.entry): one for one in held}
        return _Now(now / 1000, lease_clock(clock, now), running)

    def _in_queue(self, queue: str, entry: str, head: _Head, now: _Now) -> FoundRequest:
        moments = [head.arrived, Moment("queued", _seconds(entry))]
        one = now.running.get((queue, entry))
        if one is None:
            used = ("HMGET", self._link.keys.attempts, f"{head.id} {entry}")
            ((attempts,),) = self._values.ask([used])
            state, number, answering = WAITING, self._values.number(attempts), False
        else:
            claimed = now.seconds - max(0, now.clock_ms - one.lease.claimed_ms) / 1000
            moments.append(Moment("claimed", claimed, one.worker))
            state, number, answering = RUNNING, one.lease.attempt, one.lease.streamed
        return FoundRequest(
            head.request_id,
            state,
            queue,
            entry,
            head.method,
            tuple(moments),
            path=head.path,
            attempts=number,
            answering=answering,
        )

    def _dead(self, request_id: str) -> Iterator[FoundRequest]:
        number = self._values.number
        for (letter, fields), head in self._heads(request_id, DEAD):
            text = {name: self._values.text(fields.get(name)) for name in _OF_LETTERS}
            entry = text[b"entry"]
            moments = [head.arrived, Moment("queued", _seconds(entry))]
            claimed = _seconds(text[b"claimed"])
            worker = text[b"worker"]
            if claimed:
                moments.append(Moment("claimed", claimed, worker))
            moments.append(Moment("settled", _seconds(letter)))
            yield FoundRequest(
                request_id,
                DEAD_LETTER,
                text[b"queue"],
                entry,
                head.method,
                tuple(moments),
                path=head.path,
                attempts=number(fields.get(b"attempts")),
                reason=text[b"reason"],
                letter=letter,
            )

    def _answered(self, request_id: str) -> Iterator[FoundRequest]:
        named, wanted = self._link.keys.named, request_id.encode()
        for kind in (*KINDS, REFUSED):
            place, raw = 0, [b""]
            while raw:
                last = place + AT_ONCE - 1
                (raw,) = self._values.ask([("LRANGE", named("answered", kind), place, last)])
                place += AT_ONCE
                candidates = [text for text in raw if wanted in text]
                for note in self._values.jsons(decode_answered, candidates):
                    if note.request_id == request_id:
                        yield _answered(note)


def _of_front(note: AnsweredRequest) -> FoundRequest:
    left = note.outcome == CLIENT_LEFT
    moments = [Moment("arrived", note.sent / 1000, note.worker)] if note.queue else []
    at = (note.sent + note.ran_ms) / 1000
    moments.append(Moment("left" if left else "refused", at, note.worker))
    return FoundRequest(
        note.request_id,
        LEFT if left else TURNED_AWAY,
        note.queue,
        note.entry,
        note.method,
        tuple(moments),
        status=note.status,
        reason="" if left else note.outcome,
    )


def _answered(note: AnsweredRequest) -> FoundRequest:
    if note.outcome not in ENDS:
        return _of_front(note)
    return FoundRequest(
        note.request_id,
        ANSWERED if note.outcome == "answered" else LEFT,
        note.queue,
        note.entry,
        note.method,
        _moments_of(note),
        route=note.route,
        status=note.status,
        attempts=note.attempt,
        release=note.release,
    )


def _moments_of(note: AnsweredRequest) -> tuple[Moment, ...]:
    queued = _seconds(note.entry)
    claimed = queued + note.waited_ms / 1000
    moments = [
        Moment("arrived", note.sent / 1000),
        Moment("queued", queued),
        Moment("claimed", claimed, note.worker),
    ]
    if note.first_byte_ms or note.status:
        moments.append(Moment("first_byte", claimed + note.first_byte_ms / 1000))
    moments.append(Moment("settled", claimed + note.ran_ms / 1000))
    return tuple(moments)


def _seconds(entry: str) -> float:
    """Tell the time (ms) that an entry id, or that of a dead letter, begins with; 0 for none."""
    ms = entry.partition("-")[0]
    return int(ms) / 1000 if ms.isascii() and ms.isdigit() and len(ms) < 15 else 0.0
