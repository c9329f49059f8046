"""What a person does to the queue: pause, resume, and deal with dead letters."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from ...exceptions import BrokerRefused
from ..link.links import Link
from ..link.protocol import checked
from ..observe.snapshot import Snapshot

LONGEST_PAUSE = 86_400.0  # seconds; a pause that nobody ends is a site that is down
SHORTEST_PAUSE = 1.0  # seconds
PAUSE_MARGIN = 5.0  # seconds from the end of a safe pause to the first client turned away
REDACTED = ("authorization", "cookie", "proxy-authorization", "x-csrftoken")
MASK = "[redacted]"


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
    head: dict[str, Any]
    raw_head: bytes
    signature: bytes
    body: bytes
    body_kept: bool
    size: int

    def redacted_headers(self) -> list[tuple[str, str]]:
        """The request's headers without what signs a person in."""
        return [
            (name, MASK if name.lower() in REDACTED else value)
            for name, value in self.head.get("headers", [])
        ]


@dataclass(frozen=True)
class Waiting:
    """A request that waits, for people to see."""

    queue: str
    entry: str
    method: str
    path: str
    seconds: float


class PauseState(NamedTuple):
    """Whether all of some queues are paused, and how many of their requests run."""

    paused: bool
    in_flight: int


class Control:
    """Changes made by people. Each method raises BrokerUnavailable where it could not be asked.

    Args:
        link: its own.
    """

    def __init__(self, link: Link):
        self._link = link
        self._keys = link.keys

    def pause(self, queues: Sequence[str], seconds: float, *, by: str, reason: str = "") -> None:
        """Start nothing from these queues for so long; once it returns, nothing starts."""
        now = self._clock()
        details = {"by": by, "reason": reason, "since": int(now), "until": now + seconds}
        self._link.script("pause", int(seconds * 1000), msgspec.json.encode(details), *queues)

    def resume(self, queues: Sequence[str], *, rate: float | None = None) -> list[str]:
        """Let them go on; those that were paused, or still at the pace of an earlier resume.

        Args:
            rate: start at most so many a second of each, until nothing waits; None for no limit.
        """
        interval_ms = 1000 / rate if rate else 0
        return [name.decode() for name in self._link.script("resume", interval_ms, *queues)]

    def paused(self, queues: Sequence[str]) -> bool:
        """Whether all of them are paused now."""
        return self.stillness(queues).paused

    def stillness(self, queues: Sequence[str]) -> PauseState:
        """Whether nothing can start and nothing runs: both of the same moment."""
        fields = [f"{kind}:{queue}" for kind in ("paused", "inflight") for queue in queues]
        # The clock after the rest: paused by then is paused all the while.
        found, clock = self._ask([("HMGET", self._keys.state, *fields), ("TIME",)])
        now_ms = int(clock[0]) * 1000 + int(clock[1]) // 1000
        values = [int(value or 0) for value in found]
        ends, running = values[: len(queues)], values[len(queues) :]
        return PauseState(
            paused=all(end > now_ms for end in ends),
            in_flight=sum(max(0, number) for number in running),
        )

    def oldest(self, queues: Sequence[str], most: int) -> list[Waiting]:
        """The requests that have waited longest, at most so many of each queue; oldest first."""
        named = self._keys.named
        cursors, clock, *handed_back = self._ask(
            [
                ("HMGET", self._keys.state, *(f"cursor:{queue}" for queue in queues)),
                ("TIME",),
                *(("ZRANGE", named("returned", queue), 0, most - 1) for queue in queues),
            ]
        )
        places: list[tuple[str, tuple]] = []
        for queue, cursor, registrations in zip(queues, cursors, handed_back, strict=True):
            after = b"(" + cursor if cursor else "-"
            ranges = [(entry, entry, 1) for entry in map(_unpadded, registrations)]
            for first, last, count in (*ranges, (after, "+", most)):
                command = ("XRANGE", named("queue", queue), first, last, "COUNT", count)
                places.append((queue, command))
        now = int(clock[0]) + int(clock[1]) / 1e6
        replies = self._ask([command for _, command in places])
        waiting = [
            _waiting(queue, entry, fields, now)
            for (queue, _), found in zip(places, replies, strict=True)
            for entry, fields in found
        ]
        return sorted(waiting, key=lambda request: -request.seconds)[:most]

    def operator_withdraw(self, queue: str, entry: str) -> bool:
        """Take a waiting request off; its client gets 503. False where it no longer waits."""
        return self._link.script("operator_withdraw", queue, entry) == b"ok"

    def dead_letters(self, most: int = 100) -> list[DeadLetter]:
        """The newest, newest first."""
        (found,) = self._ask([("XREVRANGE", self._keys.dead, "+", "-", "COUNT", most)])
        return [_dead_letter(id, fields) for id, fields in found]

    def dead_letter(self, id: str) -> DeadLetter | None:
        """One by its id, None where there is none."""
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
        return gone == 1

    def _clock(self) -> float:
        (clock,) = self._ask([("TIME",)])
        return int(clock[0]) + int(clock[1]) / 1e6

    def _ask(self, commands: list[tuple]) -> list:
        return [checked(reply) for reply in self._link.commands(commands)]


def longest_safe_pause(snapshot: Snapshot, queues: Sequence[str], max_hold: float) -> float:
    """Seconds that a pause of these queues may last before a client now waiting is turned away.

    Args:
        max_hold: the setting ``MAX_HOLD``, seconds.
    """
    waits = [queue.oldest_wait_seconds for queue in snapshot.queues if queue.name in queues]
    return max(SHORTEST_PAUSE, max_hold - max(waits, default=0.0) - PAUSE_MARGIN)


def new_request_id() -> str:
    """An id for a request that no front holds."""
    return secrets.token_hex(10)


def _unpadded(registration: bytes) -> str:
    """The entry id of a registration of ``returned``."""
    ms, seq = registration.decode().split("-")
    return f"{ms}-{int(seq)}"


def _waiting(queue: str, entry: bytes, fields: list, now: float) -> Waiting:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    head = _head(named.get(b"h", b""))
    arrived = int(entry.split(b"-")[0]) / 1000
    return Waiting(
        queue=queue,
        entry=entry.decode(),
        method=str(head.get("method", "?")),
        path=str(head.get("path", "?")),
        seconds=round(max(0.0, now - arrived), 1),
    )


def _head(raw: bytes) -> dict[str, Any]:
    try:
        head = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return {}
    return head if isinstance(head, dict) else {}


def _dead_letter(id: bytes, fields: list) -> DeadLetter:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    text = {name.decode(): value for name, value in named.items()}
    raw_head = text.get("h", b"")
    return DeadLetter(
        id=id.decode(),
        at=int(id.split(b"-")[0]) / 1000,
        reason=text["reason"].decode(),
        request=text["id"].decode("utf-8", "replace"),
        queue=text["queue"].decode(),
        attempts=int(text["attempts"]),
        worker=text["worker"].decode(),
        claimed=int(text["claimed"]) / 1000,
        version=text["v"].decode("latin-1"),
        head=_head(raw_head),
        raw_head=raw_head,
        signature=text["s"],
        body=text["b"],
        body_kept=text["body_kept"] == b"1",
        size=int(text["size"]),
    )
