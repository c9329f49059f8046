"""Reads a snapshot of the whole system in a few trips: O(queues + workers + fronts)."""

from collections.abc import Sequence
from typing import Any

from ...records import Activation
from ..link.links import Link
from ..link.protocol import Command, refuse_other_schema
from .boot_failures import read_failures
from .groups import GroupStats, entries_of, longest_in_lines, read_groups
from .histogram import BOUNDS
from .history import QueueRow, Row, decode_row
from .lease_clock import FIELD, lease_clock, server_ms, waited_seconds
from .not_served import not_served, reasons_of, since
from .pauses import Pause, read_pauses
from .processes import WorkerStats, read_fronts, read_leases, read_workers
from .releases import Release, names_of, release_of
from .scaling import Traffic, read_supervisors, scaling_of
from .snapshot import RECENT, QueueStats, Snapshot
from .values import RETURNED_SEEN, ValueReader

RATE_ROWS = 11  # rows of one second: rates are over the last ten
BUCKETS = {str(number + 1): number for number in range(len(BOUNDS) + 1)}  # by what follows "wait:"
RECENT_ROWS = RECENT  # rows of one second


class SnapshotReader:
    """Reads snapshots.

    Args:
        link: its own.
        queues: all that are configured, in order.
    """

    def __init__(self, link: Link, queues: Sequence[str]):
        self._link = link
        self._keys = link.keys
        self._queues = queues

    def snapshot(self) -> Snapshot:
        """Read the state of the whole system.

        Raises:
            BrokerUnavailable: it could not be asked.
            SchemaMismatch: its state is another release's.
        """
        values = ValueReader(self._link)
        time, info, state, pauses, leases, workers, fronts, dead, groups, *more = values.ask(
            self._questions()
        )
        failures, scaling, rows, before, *stats = more
        now = (now_ms := server_ms(time)) / 1000
        state, pauses = _pairs(state), read_pauses(values, pauses)
        refuse_other_schema(state.get("run"), state.get("schema"))
        clock_ms = lease_clock(state.get(FIELD), now_ms)
        queues = [
            _queue(values, name, state, pauses, _pairs(raw), now, clock_ms)
            for name, raw in zip(self._queues, stats, strict=True)
        ]
        groups = read_groups(values, groups)
        _add_oldest(values, queues, state, groups, clock_ms)
        busy = _add_history(values, queues, rows, before)
        supervisors = read_supervisors(values, scaling, clock_ms)
        held, activation = read_leases(values, leases), _activation(values, state)
        shown = read_workers(values, values.texts(workers), held, now, clock_ms, activation)
        found = Snapshot(
            now=now,
            **_server(info, values.number(state.get("bytes"))),
            queues=queues,
            fronts=read_fronts(values, values.texts(fronts), now),
            workers=shown,
            dead_letters=dead,
            groups=groups,
            releases=_releases(values, activation, shown, clock_ms),
            boot_failures=read_failures(values, failures, shown),
            scaling=scaling_of(supervisors, shown, _traffic(queues, groups, busy)),
        )
        found.unreadable = values.unreadable
        return found

    def _questions(self) -> list[Command]:
        k = self._keys
        history = k.named("history", "1")
        return [
            ("TIME",),
            ("INFO",),
            ("HGETALL", k.state),
            ("HGETALL", k.pauses),
            ("HGETALL", k.leases),
            ("ZRANGE", k.workers, 0, -1),
            ("ZRANGE", k.fronts, 0, -1),
            ("XLEN", k.dead),
            ("HGETALL", k.groups),
            ("HGETALL", k.boot_failures),
            ("HGETALL", k.scaling),
            ("LRANGE", history, -RATE_ROWS, -1),
            ("LRANGE", history, -RECENT_ROWS, -RECENT_ROWS),
            *(("HGETALL", k.named("stats", name)) for name in self._queues),
        ]

    def close(self) -> None:
        """Drop the link."""
        self._link.close()


def _activation(values: ValueReader, state: dict[str, str]) -> Activation:
    text = state.get("activation")
    return (values.record(Activation, text) if text else None) or Activation(0)


def _releases(
    values: ValueReader, activation: Activation, workers: list[WorkerStats], clock_ms: int
) -> list[Release]:
    names, named = names_of(activation, workers), values.keys.named
    commands: list[Command] = []
    for name in names:
        commands += [("HGETALL", named("release", name)), ("HGETALL", named("stats", f"@{name}"))]
    replies = iter(values.ask(commands))
    releases = []
    for name in names:
        known, stats = _pairs(next(replies)), QueueStats(f"@{name}")
        _add_stats(values, stats, _pairs(next(replies)))
        stats.recent_runs = stats.run  # all there is: no history is kept of a release
        stats.set_percentiles()
        releases.append(release_of(values, activation, workers, known, stats, clock_ms))
    return releases


def _add_oldest(
    values: ValueReader,
    queues: list[QueueStats],
    state: dict[str, str],
    groups: list[GroupStats],
    clock_ms: int,
) -> None:
    named = values.keys.named
    commands: list[Command] = []
    lines: dict[str, list[Command]] = {}
    for queue in queues:
        if_any = groups if state.get(f"in_line:{queue.name}", "0") != "0" else []
        lines[queue.name] = longest_in_lines(values.keys, if_any, queue.name, 1)
        cursor = state.get(f"cursor:{queue.name}")
        start = f"({cursor}" if cursor else "-"
        commands += [
            ("XRANGE", named("queue", queue.name), start, "+", "COUNT", 1),
            ("ZRANGE", named("returned", queue.name), 0, RETURNED_SEEN - 1),
            *lines[queue.name],
        ]
    replies = iter(values.ask(commands))
    for queue in queues:
        entries, passed = next(replies), next(replies)
        for _ in lines[queue.name]:
            passed += entries_of(next(replies))
        for id in values.entries(passed)[:1]:
            entries += values.ask([("XRANGE", named("queue", queue.name), id, id)])[0]
        if queue.depth and entries:
            waits = (waited_seconds(_fields(flat), clock_ms) for _, flat in entries)
            queue.oldest_wait_seconds = round(max(waits), 3)


def _fields(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _queue(
    values: ValueReader,
    name: str,
    state: dict[str, str],
    pauses: list[Pause],
    raw: dict[str, str],
    now: float,
    clock_ms: int,
) -> QueueStats:
    queue = QueueStats(name)
    waiting, in_line, in_flight, paused_until = (
        values.number(state.get(f"{field}:{name}"))
        for field in ("waiting", "in_line", "inflight", "paused")
    )
    queue.depth = max(0, waiting + in_line)
    queue.in_flight = max(0, in_flight)
    left_ms = paused_until - clock_ms
    queue.paused = left_ms > 0
    if queue.paused:
        queue.pauses = [pause.as_json(now, clock_ms) for pause in pauses if pause.queue == name]
        last = queue.pauses[-1] if queue.pauses else {}
        queue.pause = {**last, "until": round(now + left_ms / 1000, 3)}
    interval_ms = values.positive(state.get(f"pace:{name}"))
    queue.pace = round(1000 / interval_ms, 3) if interval_ms else None
    _add_stats(values, queue, raw)
    queue.enqueued_total = queue.totals.pop("enqueued", 0)
    queue.retried_total = queue.totals.pop("retried", 0)
    queue.replayed_total = queue.totals.pop("replayed", 0)
    queue.deferred_total = queue.totals.pop("deferred", 0)
    return queue


def _add_stats(values: ValueReader, queue: QueueStats, raw: dict[str, str]) -> None:
    for field_name, value in raw.items():
        _add_stat(queue, field_name, values.number(value))
    queue.completed_total = sum(queue.codes.values())


def _add_stat(queue: QueueStats, name: str, value: int) -> None:
    kind, _, rest = name.partition(":")
    histograms = {"wait": queue.wait, "run": queue.run, "duration": queue.duration}
    if kind in histograms:
        if rest == "us":
            histograms[kind].seconds = value / 1e6
        elif rest in BUCKETS:
            histograms[kind].buckets[BUCKETS[rest]] = value
    elif kind == "code":
        method, _, code = rest.partition(":")
        queue.codes[method, code] = value
    else:
        queue.totals[name] = value


def _add_history(
    values: ValueReader, queues: list[QueueStats], rows: list[bytes], before: list[bytes]
) -> float:
    """Add rates and percentiles, against what the history says of a while ago.

    Returns:
        How many requests ran at once, on average over the seconds of the rates.
    """
    nothing = Row(0, {})
    read, past = values.jsons(decode_row, rows) or [nothing], values.jsons(decode_row, before)
    span = max(1, read[-1].t - read[0].t)
    earlier = (past or [nothing])[0].q
    for queue in queues:
        then, now = read[0].q.get(queue.name), read[-1].q.get(queue.name)
        if then and now:
            queue.arrival_rate = round(max(0, now.enqueued - then.enqueued) / span, 2)
            queue.completion_rate = round(max(0, now.completed - then.completed) / span, 2)
        known = earlier.get(queue.name)
        queue.recent = queue.wait.since(known.waits) if known else queue.wait
        _add_recent(queue, known)
        queue.set_percentiles()
    return sum(part.in_flight for row in read for part in row.q.values()) / len(read)


def _traffic(queues: list[QueueStats], groups: list[GroupStats], busy: float) -> Traffic:
    return Traffic(
        busy=busy,
        arrivals=sum(queue.arrival_rate for queue in queues),
        completions=sum(queue.completion_rate for queue in queues),
        depth=sum(queue.depth for queue in queues) - sum(group.waiting for group in groups),
        oldest_wait=max((queue.oldest_wait_seconds for queue in queues), default=0.0),
        held=any(queue.paused or queue.pace for queue in queues),
    )


def _add_recent(queue: QueueStats, known: QueueRow | None) -> None:
    """Add run times and failures since a row of history; None: there was nothing before it.

    A row of a release that did not count them tells nothing, rather than all that ever was.
    """
    reasons = reasons_of(queue.totals, queue.codes)
    if known is None:
        queue.recent_runs, queue.not_served = queue.run, not_served(reasons)
        return
    if known.runs is not None:
        queue.recent_runs = queue.run.since(known.runs)
    if known.not_served is not None:
        queue.not_served = not_served(since(reasons, known.not_served))


def _pairs(flat: list[bytes]) -> dict[str, str]:
    texts = [item.decode("utf-8", "replace") for item in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _server(info: bytes, queue_bytes: int) -> dict[str, Any]:
    lines = (line.partition(":") for line in info.decode().splitlines() if not line.startswith("#"))
    about = {name: value for name, _, value in lines}
    return {
        "server": "valkey" if "valkey_version" in about else "redis",
        "version": about.get("valkey_version") or about.get("redis_version", ""),
        "memory_bytes": int(about.get("used_memory", 0)),
        "queue_bytes": max(0, queue_bytes),
        "memory_limit_bytes": int(about.get("maxmemory", 0)),
    }
