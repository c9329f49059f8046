"""Reads how long requests waited and ran, by route and period (scripts/_route_times.lua)."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..link.links import Link
from ..link.protocol import Command, refuse_other_schema
from .histogram import Histogram
from .lease_clock import server_ms
from .values import ValueReader

MINUTE = 60
LATE = 5  # minutes in which the last one is added to the longer periods, or else is lost
ADDED = b"="  # field of a minute that has been
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
_WORDS = re.compile(rb"([wr])(\d\d?|us)=(\d{1,15})|(e)=(\d{1,15})", re.ASCII)


class RouteWindow(NamedTuple):
    """How far back, and the length of the periods that it is read from; in seconds."""

    reach: int
    period: int


WINDOWS = {
    "15m": RouteWindow(900, MINUTE),
    "1h": RouteWindow(3_600, MINUTE),
    "6h": RouteWindow(21_600, 600),
    "1d": RouteWindow(86_400, 600),
    "7d": RouteWindow(604_800, 10_800),
    "30d": RouteWindow(2_592_000, 10_800),
}


@dataclass
class RouteTimes:
    """What was counted of one route in some time.

    Attributes:
        errors: answers of 5xx, and those that could not be sent or ran past VIEW_TIMEOUT.
    """

    name: str
    wait: Histogram = field(default_factory=Histogram)
    run: Histogram = field(default_factory=Histogram)
    errors: int = 0

    def add(self, counts: bytes) -> None:
        """Add what a period says; what can't be read in it counts for nothing."""
        for kind, place, number, error, errors in _WORDS.findall(counts):
            if error:
                self.errors += int(errors)
                continue
            times = self.wait if kind == b"w" else self.run
            if place == b"us":
                times.seconds += int(number) / 1e6
            elif 1 <= int(place) <= len(times.buckets):
                times.buckets[int(place) - 1] += int(number)

    @property
    def requests(self) -> int:
        """How many were run."""
        return self.run.count


class Routes(NamedTuple):
    """All routes in a window.

    Attributes:
        times: of each.
        begin, end: of what they are counted over, in seconds of the broker's clock. It begins
            later than the window where nothing was counted before.
        counted_since: when counting began, where that is later than the window; else None.
    """

    times: list[RouteTimes]
    begin: float
    end: float
    counted_since: float | None

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(1.0, self.end - self.begin)

    @property
    def busy(self) -> float:
        """For how many seconds all of them ran together."""
        return sum(route.run.seconds for route in self.times)

    def as_json(self, route: RouteTimes) -> dict[str, Any]:
        """Say all of one route."""
        found: dict[str, Any] = {"route": route.name, "requests": route.requests}
        found["per_second"] = round(route.requests / self.seconds, 4)
        for name, times in (("wait", route.wait), ("run", route.run)):
            for label, share in SHARES.items():
                seconds = times.percentile(share)
                found[f"{name}_{label}_seconds"] = seconds and round(seconds, 4)
        found["time_share"] = round(route.run.seconds / self.busy, 4) if self.busy else 0.0
        found["errors"] = route.errors
        found["error_share"] = round(route.errors / route.requests, 4) if route.requests else 0.0
        return found


def _slowest_first(kind: Literal["wait", "run"], share: float) -> Callable[[RouteTimes], float]:
    def key(route: RouteTimes) -> float:
        times = route.wait if kind == "wait" else route.run
        return -(times.percentile(share) or 0.0)

    return key


# What they can be ordered by: the largest first, but for names.
ORDERS: dict[str, Callable[[RouteTimes], Any]] = {
    "time": lambda route: -route.run.seconds,
    "rate": lambda route: -route.requests,
    **{f"wait_{label}": _slowest_first("wait", share) for label, share in SHARES.items()},
    **{f"run_{label}": _slowest_first("run", share) for label, share in SHARES.items()},
    "errors": lambda route: -route.errors,
    "route": lambda route: route.name,
}
DEFAULT_ORDER = "time"


def ordered(times: Iterable[RouteTimes], by: str) -> list[RouteTimes]:
    """Sort by one of ORDERS, then by name."""
    return sorted(times, key=lambda route: (ORDERS[by](route), route.name))


class RouteReader:
    """Reads routes.

    Args:
        link: its owner's.
    """

    def __init__(self, link: Link):
        self._values = ValueReader(link)
        self._keys = link.keys

    def routes(self, window: RouteWindow) -> Routes:
        """Read what was counted of all routes in a window.

        Raises:
            BrokerUnavailable: it could not be asked.
            SchemaMismatch: its state is another release's.
        """
        now, since = self._moment()
        begins, late = _periods(window, now)
        commands = [("HGETALL", self._key(window.period, begin)) for begin in begins]
        commands += [("HGETALL", self._key(MINUTE, minute)) for minute in late]
        found: dict[bytes, RouteTimes] = {}
        for number, flat in enumerate(self._values.ask(commands)):
            names, counts = flat[::2], flat[1::2]
            if number >= len(begins) and ADDED in names:
                continue
            for name, text in zip(names, counts, strict=True):
                if name == ADDED:
                    continue
                if name not in found:
                    found[name] = RouteTimes(name.decode("utf-8", "replace"))
                found[name].add(text)
        begin = max(begins[0], since)
        return Routes(list(found.values()), begin, now, since if since > begins[0] else None)

    def one(self, window: RouteWindow, name: str) -> tuple[list[int], list[RouteTimes]]:
        """Read what was counted of one route: the ends of the periods, and what was in each.

        Raises:
            BrokerUnavailable: it could not be asked.
            SchemaMismatch: its state is another release's.
        """
        now, since = self._moment()
        begins, late = _periods(window, now)
        commands: list[Command] = [
            ("HMGET", self._key(window.period, begin), name) for begin in begins
        ]
        commands += [("HMGET", self._key(MINUTE, minute), name, ADDED) for minute in late]
        replies = self._values.ask(commands)
        periods = [RouteTimes(name) for _ in begins]
        for period, (counts,) in zip(periods, replies, strict=False):
            period.add(counts or b"")
        for minute, (counts, added) in zip(late, replies[len(begins) :], strict=True):
            if not added:
                periods[(minute - begins[0]) // window.period].add(counts or b"")
        told = [at for at, begin in enumerate(begins) if begin + window.period > since]
        ends = [min(int(now), begins[at] + window.period) for at in told]
        return ends, [periods[at] for at in told]

    def _key(self, length: int, begin: int) -> str:
        return self._keys.named("history", f"routes:{length}:{begin}")

    def _moment(self) -> tuple[float, float]:
        """Ask for the broker's clock, and since when it has counted; both in seconds."""
        fields = ("HMGET", self._keys.state, "routes_since", "run", "schema")
        time, (since, *schema) = self._values.ask([("TIME",), fields])
        refuse_other_schema(*(text and text.decode("latin-1") for text in schema))
        now = server_ms(time) / 1000
        # Where nothing was counted yet, nothing can have been missed either: it begins now.
        return now, min(now, self._values.number(since) or now)


def _periods(window: RouteWindow, now: float) -> tuple[Sequence[int], Sequence[int]]:
    """Return the beginnings of the periods in a window, and minutes that may not be in them yet."""
    last = int(now) // window.period * window.period
    begins = range(last - window.reach + window.period, last + 1, window.period)
    if window.period == MINUTE:
        return begins, ()
    minute = int(now) // MINUTE * MINUTE
    late = range(max(begins[0], minute - LATE * MINUTE), minute + 1, MINUTE)
    return begins, late
