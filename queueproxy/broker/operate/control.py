"""Operates the queue for a person: pause, resume, look at dead letters and discard them."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from ...exceptions import BrokerRefused
from ..link.links import Link
from ..link.protocol import Command, RedisReply, checked
from ..observe.groups import entries_of, longest_in_lines, read_groups
from ..observe.lease_clock import FIELD, lease_clock, server_ms
from ..observe.pauses import Pause, read_pauses
from ..observe.snapshot import Snapshot
from ..observe.values import RETURNED_SEEN, ValueReader
from .listed import DeadLetter, Waiting, dead_letter_of, named_fields, waiting_of

LONGEST_PAUSE = 86_400.0  # seconds; a pause that nobody ends is a site that is down
SHORTEST_PAUSE = 1.0  # seconds
PAUSE_MARGIN = 5.0  # seconds from the end of a safe pause to the first client turned away


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
            waiting_of(queue, entry.decode(), named_fields(fields), clock_ms)
            for (queue, _), found in zip(places, replies, strict=True)
            for entry, fields in found
        ]
        return sorted(waiting, key=lambda request: -request.seconds)[:most]

    def waiting_at(self, queue: str, entry: str) -> Waiting | None:
        """Read one request of a queue, which may run by now; None where it is over."""
        named = self._keys.named
        questions: list[Command] = [("TIME",), ("HMGET", self._keys.state, FIELD)]
        entry_asked: Command = ("XRANGE", named("queue", queue), entry, entry)
        time, (clock,), found = ValueReader(self._link).ask([*questions, entry_asked])
        if not found:
            return None
        clock_ms = lease_clock(clock, server_ms(time))
        return waiting_of(queue, entry, named_fields(found[0][1]), clock_ms)

    def operator_withdraw(self, queue: str, entry: str) -> bool:
        """Take a waiting request off; its client gets 503. False where it no longer waits."""
        return bool(self._link.script("operator_withdraw", queue, entry) == [b"ok"])

    def dead_letters(self, most: int = 100) -> list[DeadLetter]:
        """List the newest, newest first."""
        (found,) = self._ask([("XREVRANGE", self._keys.dead, "+", "-", "COUNT", most)])
        return [dead_letter_of(id.decode(), named_fields(fields)) for id, fields in found]

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
        ((_, fields),) = found
        return dead_letter_of(id, named_fields(fields))

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
