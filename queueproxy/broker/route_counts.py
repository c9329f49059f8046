"""Counts how long requests waited and ran by route: by the resolver's, never by raw paths.

What is counted of one route is a text of ``name=number`` words, which Python and the scripts add
up alike (scripts/_route_times.lua): ``w<n>`` and ``r<n>``, waits and run times in bucket ``n`` of
the histogram, from 1 on; ``wus`` and ``rus``, their sums in microseconds; ``e``, how many were
answered 5xx, or not at all for a fault of their view.
"""

from collections.abc import Iterable
from typing import NamedTuple

from .observe.histogram import BOUNDS, bucket_of

NO_ROUTE = "(no route matched)"
OTHER = "(other)"  # the rest, where there are more routes than are counted one by one
MOST_ROUTES = 100  # of one report; of one period: see scripts/_route_times.lua
# By bucket, how its count is called.
WAITS, RUNS = ([f"{kind}{n + 1}" for n in range(len(BOUNDS) + 1)] for kind in "wr")
LONGEST = 200  # characters of a name; what differs behind them counts as one route


class Timed(NamedTuple):
    """One request that was run, and how long it took, in seconds."""

    route: str
    waited: float
    ran: float
    failed: bool


def route_name(route: str | None) -> str:
    """Name a route as it is counted.

    Args:
        route: of Django's ``ResolverMatch``; None where whoever made that gave it none.
    """
    if route is None:
        return NO_ROUTE
    return f"/{route}" if len(route) < LONGEST else f"/{route[: LONGEST - 2]}…"


class RouteCounts:
    """Adds up what is counted by route; not thread-safe."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, requests: Iterable[Timed]) -> None:
        """Count these."""
        found = self._found
        for route, waited, ran, failed in requests:
            counts = found.get(route)
            if counts is None:
                route = route if len(found) < MOST_ROUTES else OTHER
                counts = found.setdefault(route, {"wus": 0, "rus": 0})
            wait, run = WAITS[bucket_of(waited)], RUNS[bucket_of(ran)]
            counts[wait] = counts.get(wait, 0) + 1
            counts[run] = counts.get(run, 0) + 1
            counts["wus"] += round(waited * 1e6)
            counts["rus"] += round(ran * 1e6)
            if failed:
                counts["e"] = counts.get("e", 0) + 1

    def take(self) -> list[str]:
        """Hand out route and counts, route and counts, ..., and count from zero."""
        found, self._found = self._found, {}
        args: list[str] = []
        for route, counts in found.items():
            args += (route, " ".join([f"{name}={number}" for name, number in counts.items()]))
        return args
