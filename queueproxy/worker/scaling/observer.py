"""Measures the load of a supervisor's queues: a trip to the broker, two where requests wait."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...broker.link.links import Link
from ...broker.link.protocol import refuse_other_schema
from ...broker.observe.histogram import BOUNDS
from ...broker.observe.lease_clock import FIELD, lease_clock, server_ms, waited_seconds
from ...broker.observe.scaling import read_supervisors
from ...broker.observe.values import ValueReader
from .load import Load
from .others import Others

OF_STATE = ("run", "schema", FIELD, "activation")
OF_QUEUE = ("waiting", "parked", "inflight", "paused", "pace", "cursor")
OF_STATS = ("enqueued", "run:us", *(f"run:{number + 1}" for number in range(len(BOUNDS) + 1)))


class _Totals(NamedTuple):
    """What a queue has counted since its counters began."""

    enqueued: int
    completed: int
    run_us: int


class _Now(NamedTuple):
    """What the state says of a queue."""

    depth: int
    in_flight: int
    cursor: str | None
    held: str


class LoadObserver:
    """Looks again and again; not thread-safe.

    Args:
        link: its own.
        supervisor: ``host:pid`` of the one that it measures for.
        queues: that this one's processes serve, but for the operators' lane.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        link: Link,
        supervisor: str,
        queues: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._values = ValueReader(link)
        self._queues = queues
        self._others = Others(self._values, supervisor, queues, clock)
        self._clock = clock
        self._looked = 0.0  # 0 for never
        self._before: dict[str, _Totals] = {}
        self.lease_clock = 0  # ms, as of the last look

    def lost(self) -> None:
        """Begin anew: there is nothing to compare with."""
        self._looked, self._before = 0.0, {}

    def look(self, capacity: int) -> Load:
        """Measure the load now, and what came since the last look.

        Args:
            capacity: how many requests this one's processes may run at once at most.

        Raises:
            BrokerUnavailable: it could not be asked.
            SchemaMismatch: its state is another release's.
        """
        values, keys = self._values, self._values.keys
        fields = [*OF_STATE, *(f"{name}:{queue}" for queue in self._queues for name in OF_QUEUE)]
        time, state, scaling, *stats = values.ask(
            [
                ("TIME",),
                ("HMGET", keys.state, *fields),
                ("HGETALL", keys.scaling),
                *(("HMGET", keys.named("stats", queue), *OF_STATS) for queue in self._queues),
            ]
        )
        told = {name: values.text(raw) for name, raw in zip(fields, state, strict=True) if raw}
        refuse_other_schema(told.get("run"), told.get("schema"))
        now_ms = server_ms(time)
        self.lease_clock = lease_clock(told.get(FIELD), now_ms)
        shares = self._others.shares(capacity, read_supervisors(values, scaling, self.lease_clock))
        self._others.look_if_due(told.get("activation"), now_ms, self.lease_clock)
        queues = {queue: self._now(told, queue) for queue in self._queues}
        totals = {queue: self._totals(raw) for queue, raw in zip(self._queues, stats, strict=True)}
        return self._load(queues, totals, shares)

    def _load(
        self, queues: dict[str, _Now], totals: dict[str, _Totals], shares: dict[str, float]
    ) -> Load:
        now = self._clock()
        seconds = now - self._looked if self._looked else 0.0
        before, self._before, self._looked = self._before, totals, now

        def since(name: str) -> float:
            if not before:
                return 0.0
            return sum(
                shares[queue] * float(max(0, getattr(totals[queue], name) - getattr(was, name)))
                for queue, was in before.items()
            )

        return Load(
            seconds=seconds,
            arrived=since("enqueued"),
            completed=since("completed"),
            run_seconds=since("run_us") / 1e6,
            in_flight=sum(shares[queue] * one.in_flight for queue, one in queues.items()),
            depth=sum(shares[queue] * one.depth for queue, one in queues.items()),
            oldest_wait=self._oldest_wait(queues),
            other_slots=self._others.slots * sum(shares.values()) / len(shares),
            held="; ".join(filter(None, (one.held for one in queues.values()))),
        )

    def _now(self, told: dict[str, str], queue: str) -> _Now:
        number = self._values.number

        def of(name: str) -> int:
            return number(told.get(f"{name}:{queue}"))

        held = f"{queue} is let out at a pace" if told.get(f"pace:{queue}") else ""
        if of("paused") > self.lease_clock:
            held = f"{queue} is paused"
        depth = max(0, of("waiting") - of("parked"))
        return _Now(depth, max(0, of("inflight")), told.get(f"cursor:{queue}"), held)

    def _totals(self, raw: Sequence[bytes | None]) -> _Totals:
        enqueued, run_us, *completed = map(self._values.number, raw)
        return _Totals(enqueued, sum(completed), run_us)

    def _oldest_wait(self, queues: dict[str, _Now]) -> float:
        """Return how long the first that was never claimed has waited, of all queues.

        Those that were handed back are few, and go first.
        """
        commands = [
            (
                "XRANGE",
                self._values.keys.named("queue", queue),
                f"({one.cursor}" if one.cursor else "-",
                "+",
                "COUNT",
                1,
            )
            for queue, one in queues.items()
            if one.depth
        ]
        entries = [entry for found in self._values.ask(commands) for entry in found]
        waits = (
            waited_seconds(dict(zip(flat[::2], flat[1::2], strict=True)), self.lease_clock)
            for _, flat in entries
        )
        return max(waits, default=0.0)
