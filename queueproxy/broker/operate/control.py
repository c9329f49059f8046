"""Operates the queue for a person: pause, resume, look at dead letters and discard them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from ...exceptions import BrokerRefused, DecodeError
from ...json_text import decoded
from ..link.links import Link
from ..link.protocol import Command, RedisReply, checked
from ..observe.groups import entries_of, longest_in_lines, read_groups
from ..observe.lease_clock import FIELD, lease_clock, server_ms, waited_seconds
from ..observe.pauses import Pause, read_pauses
from ..observe.snapshot import Snapshot
from ..observe.values import RETURNED_SEEN, ValueReader

LONGEST_PAUSE = 86_400.0  # seconds; a pause that nobody ends is a site that is down
SHORTEST_PAUSE = 1.0  # seconds
PAUSE_MARGIN = 5.0  # seconds from the end of a safe pause to the first client turned away
# Headers whose values say nothing of a person; of all others only the names are shown.
SHOWN_HEADERS = frozenset(
    (
        *("accept", "accept-encoding", "accept-language", "content-length", "content-type"),
        *("host", "user-agent"),
    )
)
MASK = "[redacted]"


class LetterHead(msgspec.Struct, frozen=True):
    """The part of a request's head that is shown, with defaults where it can't be read."""

    method: str = "?"
    path: str = "?"
    query: str = ""
    headers: list[tuple[str, str]] = []
    request_id: str | None = None
    body_size: int = 0


@dataclass(frozen=True)
class DeadLetter:
    """A request that could not be run. Times in seconds of the broker's clock."""

    id: str
    at: float
    reason: str
    request: str
    queue: str
    attempts: int
    worker: str
    claimed: float
    version: str
    head: "LetterHead"
    raw_head: bytes
    signature: bytes
    body: bytes
    body_kept: bool
    size: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The request's headers, as they were sent."""
        return self.head.headers

    def redacted_headers(self) -> list[tuple[str, str]]:
        """List the request's headers without the values that may say who a person is."""
        return [
            (name, value if name.lower() in SHOWN_HEADERS else MASK) for name, value in self.headers
        ]

    def redacted_query(self) -> str:
        """Return the query, or only that there was one: it may hold tokens and names."""
        return MASK if self.head.query else ""


@dataclass(frozen=True)
class Waiting:
    """A waiting request, for people to see."""

    queue: str
    entry: str
    method: str
    path: str
    seconds: float


_decode_head = msgspec.json.Decoder(LetterHead).decode


class PauseState(NamedTuple):
    """Whether all of some queues are paused, and how many of their requests run."""

    paused: bool
    in_flight: int


class Control:
    """Makes people's changes. Each method raises BrokerUnavailable where it could not be asked.

    Args:
        link: its own.
    """

    def __init__(self, link: Link):
        self._link = link
        self._keys = link.keys

    def pause(self, queues: Sequence[str], seconds: float, *, by: str, reason: str = "") -> None:
        """Start nothing from these queues for so long; once it returns, nothing starts.

        Takes the place of the pause that the same owner made before.

        Args:
            by: the owner: ``user@host``, or the login of an admin.
        """
        self._link.script("pause", by, int(seconds * 1000), reason, *queues)

    def resume(
        self, queues: Sequence[str], *, rate: float | None = None, break_hold: bool = False
    ) -> list[str]:
        """End everybody's pauses of these queues; those that go on.

        A queue that a hold still pauses is not among them: see `pauses`.

        Args:
            rate: start at most so many a second of each but the operators' lane, until nothing
                waits; None for no limit.
            break_hold: end the pauses of holds too. Their commands run on.
        """
        interval_ms = 1000 / rate if rate else 0
        resumed = self._link.script("resume", interval_ms, int(break_hold), *queues)
        return [name.decode() for name in resumed]

    def pauses(self, queues: Sequence[str]) -> list[Pause]:
        """List the pauses of these queues, as their owners made them."""
        values = ValueReader(self._link)
        (found,) = values.ask([("HGETALL", self._keys.pauses)])
        return [pause for pause in read_pauses(values, found) if pause.queue in queues]

    def paused(self, queues: Sequence[str]) -> bool:
        """Whether all of them are paused now."""
        return self.stillness(queues).paused

    def stillness(self, queues: Sequence[str]) -> PauseState:
        """Whether nothing can start and nothing runs: both of the same moment."""
        fields = [f"{kind}:{queue}" for kind in ("paused", "inflight") for queue in queues]
        # The time after the rest: paused by then is paused all the while.
        found, time = self._ask([("HMGET", self._keys.state, FIELD, *fields), ("TIME",)])
        clock_ms = lease_clock(found[0], server_ms(time))
        values = [int(value or 0) for value in found[1:]]
        ends, running = values[: len(queues)], values[len(queues) :]
        return PauseState(
            paused=all(end > clock_ms for end in ends),
            in_flight=sum(max(0, number) for number in running),
        )

    def oldest(self, queues: Sequence[str], most: int) -> list[Waiting]:
        """List the requests that have waited longest, a few of each queue; oldest first."""
        named, values = self._keys.named, ValueReader(self._link)
        fields = (FIELD, *(f"cursor:{queue}" for queue in queues))
        state, time, groups, *passed = values.ask(
            [
                ("HMGET", self._keys.state, *fields),
                ("TIME",),
                ("HGETALL", self._keys.groups),
                *(
                    ("ZRANGE", named("returned", queue), 0, max(most, RETURNED_SEEN) - 1)
                    for queue in queues
                ),
            ]
        )
        clock_ms = lease_clock(state[0], server_ms(time))
        cursors, shown = state[1:], read_groups(values, groups)
        places: list[tuple[str, Command]] = []
        for queue, cursor, before in zip(queues, cursors, passed, strict=True):
            after = b"(" + cursor if cursor else "-"
            lines = values.ask(longest_in_lines(self._keys, shown, queue, most))
            before += (entry for line in lines for entry in entries_of(line))
            ranges = [(entry, entry, 1) for entry in values.entries(before)[:most]]
            for first, last, count in (*ranges, (after, "+", most)):
                command = ("XRANGE", named("queue", queue), first, last, "COUNT", count)
                places.append((queue, command))
        replies = values.ask([command for _, command in places])
        waiting = [
            _waiting(queue, entry, fields, clock_ms)
            for (queue, _), found in zip(places, replies, strict=True)
            for entry, fields in found
        ]
        return sorted(waiting, key=lambda request: -request.seconds)[:most]

    def operator_withdraw(self, queue: str, entry: str) -> bool:
        """Take a waiting request off; its client gets 503. False where it no longer waits."""
        return bool(self._link.script("operator_withdraw", queue, entry) == b"ok")

    def dead_letters(self, most: int = 100) -> list[DeadLetter]:
        """List the newest, newest first."""
        (found,) = self._ask([("XREVRANGE", self._keys.dead, "+", "-", "COUNT", most)])
        return [_dead_letter(id, fields) for id, fields in found]

    def dead_letter(self, id: str) -> DeadLetter | None:
        """Fetch one by its id; None where there is none."""
        try:
            (found,) = self._ask([("XRANGE", self._keys.dead, id, id)])
        except BrokerRefused as error:
            if error.code != "ERR":  # else the id is none of a stream entry's
                raise
            return None
        if not found:
            return None
        return _dead_letter(*found[0])

    def discard(self, id: str) -> bool:
        """Delete one; whether it was there."""
        (gone,) = self._ask([("XDEL", self._keys.dead, id)])
        return bool(gone == 1)

    def _ask(self, commands: list[Command]) -> list[RedisReply]:
        return [checked(reply) for reply in self._link.commands(commands)]


def longest_safe_pause(snapshot: Snapshot, queues: Sequence[str], max_hold: float) -> float:
    """Return the seconds that a pause of these queues may last before a waiting client is refused.

    Args:
        max_hold: the setting ``MAX_HOLD``, seconds.
    """
    waits = [queue.oldest_wait_seconds for queue in snapshot.queues if queue.name in queues]
    return max(SHORTEST_PAUSE, max_hold - max(waits, default=0.0) - PAUSE_MARGIN)


def new_request_id() -> str:
    """Make an id for a request that no front holds."""
    return secrets.token_hex(10)


def _waiting(queue: str, entry: bytes, fields: Sequence[bytes], clock_ms: int) -> Waiting:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    head = _head(named.get(b"h", b""))
    return Waiting(
        queue=queue,
        entry=entry.decode(),
        method=head.method,
        path=head.path,
        seconds=round(waited_seconds(named, clock_ms), 1),
    )


def _head(raw: bytes) -> LetterHead:
    try:
        return decoded(_decode_head, raw)
    except DecodeError:
        return LetterHead()


def _dead_letter(id: bytes, fields: Sequence[bytes]) -> DeadLetter:
    """Parse a dead letter, with defaults for what a stranger left out or wrote in another way."""
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    raw = {name.decode("utf-8", "replace"): value for name, value in named.items()}

    def text(name: str) -> str:
        return raw.get(name, b"").decode("utf-8", "replace")

    return DeadLetter(
        id=id.decode(),
        at=int(id.split(b"-")[0]) / 1000,
        reason=text("reason"),
        request=text("id"),
        queue=text("queue"),
        attempts=_number(text("attempts")),
        worker=text("worker"),
        claimed=_number(text("claimed")) / 1000,
        version=text("v"),
        head=_head(raw.get("h", b"")),
        raw_head=raw.get("h", b""),
        signature=raw.get("s", b""),
        body=raw.get("b", b""),
        body_kept=text("body_kept") == "1",
        size=_number(text("size")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
