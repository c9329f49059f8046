"""Reads the history of the queues, which `scripts/sample.lua` writes: totals, read as rates."""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec

from ..link.links import Link
from .histogram import BOUNDS, Histogram
from .not_served import not_served, since
from .values import Count, ValueReader, Whole

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
NOT_SERVED = ("turned_away", "too_late", "lost", "view_errors")  # how many in each step
COLUMNS = (
    *("t", "depth", "in_flight", "oldest", "arrivals", "completions"),
    *("p50", "p95", "p99", "paused", "run_p50", "run_p95", "run_p99"),
    *NOT_SERVED,
)
BUCKETS = len(BOUNDS) + 1
Buckets = Annotated[list[Count], msgspec.Meta(min_length=BUCKETS, max_length=BUCKETS)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=10**11)]  # seconds, until the year 5138
GAP = 5  # steps without a row; a line is not drawn across more


class Window(NamedTuple):
    """Chooses how far back, from which series, and how far apart the points are; all in seconds."""

    reach: int
    series: int
    step: int


# None has more than 450 points: more than a chart has pixels for would only cost.
WINDOWS = {
    "15m": Window(900, 1, 2),
    "1h": Window(3_600, 10, 10),
    "6h": Window(21_600, 10, 60),
    "1d": Window(86_400, 300, 300),
    "7d": Window(604_800, 300, 1_800),
    "30d": Window(2_592_000, 300, 7_200),
}


class QueueRow(msgspec.Struct, frozen=True, array_like=True):
    """One queue in a row; see scripts/sample.lua. Peaks since the row before, then totals.

    The last two are None in a row that a release has written which did not count them.
    """

    depth: Whole
    in_flight: Whole
    oldest_ms: Count
    enqueued: Count
    completed: Count
    waits: Buckets
    paused: Count = 0
    runs: Buckets | None = None
    not_served: dict[str, Count] | None = None


class Row(msgspec.Struct, frozen=True):
    """One moment: seconds, and what there is of each queue."""

    t: Moment
    q: dict[str, QueueRow]


class Deploy(msgspec.Struct, frozen=True):
    """When the first worker of another release came: seconds."""

    t: Moment
    release: str


decode_row = msgspec.json.Decoder(Row).decode
_decode_deploy = msgspec.json.Decoder(Deploy).decode


def read_history(link: Link, window: Window, now: float, after: float | None = None) -> list[Row]:
    """Read the rows of a window, one for each step that has any, oldest first.

    The first is there for the differences that the second is made of.

    Args:
        now: seconds of the broker's clock.
        after: only the step that this time lies in and what came later; with the row before.

    Raises:
        BrokerUnavailable: it could not be asked.
    """
    step = window.step
    begin = int(now) // step * step - window.reach
    if after is not None:
        begin = max(begin, int(after) // step * step)
    begin -= step  # the row before
    most = (int(now) - begin) // window.series + 1
    key = link.keys.named("history", str(window.series))
    values = ValueReader(link)
    (found,) = values.ask([("LRANGE", key, -most, -1)])
    rows = values.jsons(decode_row, found)
    groups = itertools.groupby((row for row in rows if row.t >= begin), lambda row: row.t // step)
    return [_merged(list(group)) for _, group in groups]


def read_since(link: Link, window: Window) -> int | None:
    """Read since when (seconds of the broker's clock) there are rows for a window; None for none.

    Raises:
        BrokerUnavailable: it could not be asked.
    """
    values = ValueReader(link)
    key = link.keys.named("history", str(window.series))
    (oldest,) = values.ask([("LRANGE", key, 0, 0)])
    rows = values.jsons(decode_row, oldest)
    return rows[0].t if rows else None


def read_deploys(link: Link, since: float) -> list[Deploy]:
    """Read the deploys from `since` on (seconds of the broker's clock), oldest first.

    Raises:
        BrokerUnavailable: it could not be asked.
    """
    values = ValueReader(link)
    (found,) = values.ask([("LRANGE", link.keys.named("history", "deploys"), 0, -1)])
    return [deploy for deploy in values.jsons(_decode_deploy, found) if deploy.t >= since]


def as_columns(rows: Sequence[Row], queues: Sequence[str], step: int) -> dict[str, list[Any]]:
    """Columns for a chart, over all of `queues`; rates per second, times in seconds.

    Percentiles come from the sums of buckets between two rows; None where nothing was claimed. They
    are never longer than what the oldest can have waited, which buckets alone would not tell.
    All but the time is None once where rows are missing.
    """
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for before, row in itertools.pairwise(rows):
        if row.t - before.t > GAP * step:
            _add(columns, dict.fromkeys(COLUMNS) | {"t": before.t + step})
        point = _point(_summed(before, queues), _summed(row, queues), row.t - before.t)
        _add(columns, point | {"t": row.t})
    return columns


def _merged(rows: list[Row]) -> Row:
    """Merge several rows into one: the totals of the last, the peaks of all."""
    if len(rows) == 1:
        return rows[0]
    names = rows[-1].q
    return Row(rows[-1].t, {n: _peaks([r.q[n] for r in rows if n in r.q]) for n in names})


def _peaks(parts: list[QueueRow]) -> QueueRow:
    return msgspec.structs.replace(
        parts[-1],
        depth=max(part.depth for part in parts),
        in_flight=max(part.in_flight for part in parts),
        oldest_ms=max(part.oldest_ms for part in parts),
        paused=max(part.paused for part in parts),
    )


def _summed(row: Row, queues: Sequence[str]) -> QueueRow:
    parts = [row.q[name] for name in queues if name in row.q]
    return QueueRow(
        depth=sum(part.depth for part in parts),
        in_flight=sum(part.in_flight for part in parts),
        oldest_ms=max((part.oldest_ms for part in parts), default=0),
        enqueued=sum(part.enqueued for part in parts),
        completed=sum(part.completed for part in parts),
        waits=[sum(column) for column in zip(*(part.waits for part in parts), strict=True)],
        paused=max((part.paused for part in parts), default=0),
        runs=None
        if any(part.runs is None for part in parts)
        else [sum(column) for column in zip(*(part.runs for part in parts), strict=True)],
        not_served=None
        if any(part.not_served is None for part in parts)
        else dict(sum((Counter(part.not_served) for part in parts), Counter())),
    )


def _point(before: QueueRow, now: QueueRow, span: int) -> dict[str, Any]:
    span = max(1, span)
    found = _percentiles(before.waits, now.waits)
    # Times are whole seconds: the rows may lie almost one more apart.
    longest = before.oldest_ms / 1000 + span + 1
    return {
        "depth": now.depth,
        "in_flight": now.in_flight,
        "oldest": now.oldest_ms / 1000,
        "arrivals": max(0.0, round((now.enqueued - before.enqueued) / span, 2)),
        "completions": max(0.0, round((now.completed - before.completed) / span, 2)),
        **{name: value and round(min(value, longest), 4) for name, value in found.items()},
        "paused": now.paused,
        **{f"run_{name}": value for name, value in _run_percentiles(before, now).items()},
        **_not_served(before, now),
    }


def _percentiles(before: Sequence[int], now: Sequence[int]) -> dict[str, float | None]:
    times = Histogram([max(0, b - a) for a, b in zip(before, now, strict=False)])
    return {name: times.percentile(share) for name, share in SHARES.items()}


def _run_percentiles(before: QueueRow, now: QueueRow) -> dict[str, float | None]:
    if before.runs is None or now.runs is None:
        return dict.fromkeys(SHARES)
    found = _percentiles(before.runs, now.runs)
    return {name: value and round(value, 4) for name, value in found.items()}


def _not_served(before: QueueRow, now: QueueRow) -> dict[str, int | None]:
    if before.not_served is None or now.not_served is None:
        return dict.fromkeys(NOT_SERVED)
    found = not_served(since(now.not_served, before.not_served))
    return {name: getattr(found, name) for name in NOT_SERVED}


def _add(columns: dict[str, list[Any]], point: dict[str, Any]) -> None:
    for name, value in point.items():
        columns[name].append(value)
