"""The history of the queues, as `scripts/sample.lua` writes it: rows of totals, read as rates."""

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec

from .histogram import Histogram
from .links import Link

# Seconds between rows of a series, and how long it reaches back.
SERIES = {1: 900, 10: 21_600, 300: 2_592_000}
WINDOWS = {"5m": 300, "15m": 900, "1h": 3_600, "6h": 21_600, "1d": 86_400, "30d": 2_592_000}
MOST_POINTS = 450


class Row(msgspec.Struct, frozen=True):
    """One moment: seconds, and for each queue what the script says."""

    t: int
    q: dict[str, tuple[int, int, int, int, int, list[int], int]]


_decode = msgspec.json.Decoder(Row).decode


def read_history(link: Link, window: int) -> list[Row]:
    """The rows of the last `window` seconds, thinned to at most MOST_POINTS.

    Raises:
        BrokerUnavailable: it could not be asked.
    """
    step = next((step for step, reach in SERIES.items() if window <= reach), 300)
    key = link.keys.named("history", str(step))
    (found,) = link.commands([("LRANGE", key, -(window // step + 1), -1)])
    rows = [_decode(raw) for raw in found]
    rows = [row for row in rows if row.t >= rows[-1].t - window]
    every = -(-len(rows) // MOST_POINTS) or 1
    return rows[::-every][::-1]


def as_columns(rows: Sequence[Row], queues: Sequence[str]) -> dict[str, list[Any]]:
    """Columns for a chart, summed over `queues`; rates per second, times in seconds.

    Percentiles come from the sums of buckets between two rows; None where nothing was claimed.
    """
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "t",
            "depth",
            "in_flight",
            "oldest",
            "arrivals",
            "completions",
            "p50",
            "p95",
            "p99",
            "paused",
        )
    }
    for before, row in itertools.pairwise(rows):
        _add_point(columns, _summed(before, queues), _summed(row, queues), row.t - before.t, row.t)
    return columns


def _summed(row: Row, queues: Sequence[str]) -> tuple:
    parts = [row.q[name] for name in queues if name in row.q]
    waits = [sum(column) for column in zip(*(part[5] for part in parts), strict=True)]
    return (
        sum(part[0] for part in parts),
        sum(part[1] for part in parts),
        max((part[2] for part in parts), default=0) / 1000,
        sum(part[3] for part in parts),
        sum(part[4] for part in parts),
        waits,
        max((part[6] for part in parts), default=0),
    )


def _add_point(columns: dict, before: tuple, now: tuple, span: int, t: int) -> None:
    span = max(1, span)
    waits = Histogram([max(0, b - a) for a, b in zip(before[5], now[5], strict=False)])
    point = {
        "t": t,
        "depth": now[0],
        "in_flight": now[1],
        "oldest": now[2],
        "arrivals": max(0.0, round((now[3] - before[3]) / span, 2)),
        "completions": max(0.0, round((now[4] - before[4]) / span, 2)),
        "p50": waits.percentile(0.50),
        "p95": waits.percentile(0.95),
        "p99": waits.percentile(0.99),
        "paused": now[6],
    }
    for name, value in point.items():
        columns[name].append(value)
