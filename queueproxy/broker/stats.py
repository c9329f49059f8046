"""What the broker can tell of the whole system, in a few trips: O(queues + workers + fronts)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from .links import Link

# Upper ends of the histogram buckets in seconds; the last bucket is open.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

RATE_ROWS = 11  # rows of one second: rates are over the last ten


@dataclass
class Histogram:
    """Counts per bucket and their sum in seconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many were observed."""
        return sum(self.buckets)

    def percentile(self, share: float) -> float | None:
        """The upper end of the bucket in which `share` (0 to 1) is reached; None without any."""
        wanted, seen = share * self.count, 0
        if not self.count:
            return None
        for bound, number in zip((*BOUNDS, BOUNDS[-1]), self.buckets, strict=True):
            seen += number
            if seen >= wanted:
                return bound
        return BOUNDS[-1]


@dataclass
class QueueStats:
    """One queue. Times in seconds; rates per second since the sample before."""

    name: str
    depth: int = 0
    in_flight: int = 0
    oldest_wait_seconds: float = 0.0
    enqueued_total: int = 0
    completed_total: int = 0
    arrival_rate: float = 0.0
    completion_rate: float = 0.0
    wait_p50_seconds: float | None = None
    wait_p95_seconds: float | None = None
    wait_p99_seconds: float | None = None
    paused: bool = False
    pause: dict[str, Any] | None = None
    totals: dict[str, int] = field(default_factory=dict)  # redelivered, withdrawn, failed:..., ...
    codes: dict[tuple[str, str], int] = field(default_factory=dict)  # (method, code) -> answers
    wait: Histogram = field(default_factory=Histogram)
    run: Histogram = field(default_factory=Histogram)


@dataclass
class Snapshot:
    """The whole system at one moment of the broker's clock (`now`, seconds)."""

    now: float
    server: str
    version: str
    memory_bytes: int
    queues: list[QueueStats]
    fronts: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    dead_letters: int

    def as_status(self) -> dict[str, Any]:
        """What ``status --json`` prints."""
        shown = ("totals", "codes", "wait", "run", "pause")
        queues = [
            {k: v for k, v in asdict(queue).items() if k not in shown} for queue in self.queues
        ]
        return {
            "broker": {
                "reachable": True,
                "server": self.server,
                "version": self.version,
                "memory_bytes": self.memory_bytes,
            },
            "paused": [queue.name for queue in self.queues if queue.paused],
            "queues": queues,
            "fronts": self.fronts,
            "workers": self.workers,
            "dead_letters": self.dead_letters,
        }


def unreachable_status() -> dict[str, Any]:
    """What ``status --json`` prints where the broker can't be asked."""
    broker = {"reachable": False, "server": None, "version": None, "memory_bytes": None}
    empty: dict[str, Any] = {"paused": [], "queues": [], "fronts": [], "workers": []}
    return {"broker": broker, **empty, "dead_letters": None}


class Stats:
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
        """The system now.

        Raises:
            BrokerUnavailable: it could not be asked.
        """
        k, names = self._keys, self._queues
        commands = [
            ("TIME",),
            ("INFO",),
            ("HGETALL", k.state),
            ("HGETALL", k.pauses),
            ("HGETALL", k.leases),
            ("ZRANGE", k.workers, 0, -1),
            ("ZRANGE", k.fronts, 0, -1),
            ("XLEN", k.dead),
            ("LRANGE", k.named("history", "1"), -RATE_ROWS, -1),
            *(("HGETALL", k.named("stats", name)) for name in names),
        ]
        clock, info, state, pauses, leases, workers, fronts, dead, rows, *stats = self._ask(
            commands
        )
        now = int(clock[0]) + int(clock[1]) / 1e6
        about = _info(info)
        state, pauses = _pairs(state), _pairs(pauses)
        queues = [
            _queue(name, state, pauses, _pairs(raw), now)
            for name, raw in zip(names, stats, strict=True)
        ]
        self._oldest(queues, state, now)
        _add_rates(queues, rows)
        held = _leases(_pairs(leases))
        return Snapshot(
            now=now,
            server="valkey" if "valkey_version" in about else "redis",
            version=about.get("valkey_version") or about.get("redis_version", ""),
            memory_bytes=int(about.get("used_memory", 0)),
            queues=queues,
            fronts=self._fronts([f.decode() for f in fronts], now),
            workers=self._workers([w.decode() for w in workers], held, now),
            dead_letters=dead,
        )

    def close(self) -> None:
        """Drop the link."""
        self._link.close()

    def _ask(self, commands: list[tuple]) -> list:
        replies = self._link.commands(commands) if commands else []
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _oldest(self, queues: list[QueueStats], state: dict[str, str], now: float) -> None:
        commands = []
        for queue in queues:
            cursor = state.get(f"cursor:{queue.name}")
            start = f"({cursor}" if cursor else "-"
            commands += [
                ("XRANGE", self._keys.named("queue", queue.name), start, "+", "COUNT", 1),
                ("ZRANGE", self._keys.named("returned", queue.name), 0, 0),
            ]
        replies = iter(self._ask(commands))
        for queue in queues:
            stream, returned = next(replies), next(replies)
            ids = [entry[0] for entry in stream] + list(returned)
            if queue.depth and ids:
                first = min(int(id.split(b"-")[0]) for id in ids)
                queue.oldest_wait_seconds = round(max(0.0, now - first / 1000), 3)

    def _fronts(self, ids: list[str], now: float) -> list[dict[str, Any]]:
        commands = []
        for id in ids:
            commands += [
                ("HMGET", self._keys.named("front", id), "info", "joined"),
                ("HLEN", self._keys.named("held", id)),
            ]
        replies = iter(self._ask(commands))
        result = []
        for id in ids:
            (info, joined), held = next(replies), next(replies)
            about = msgspec.json.decode(info or b"{}")
            result.append(
                {
                    "id": id,
                    "held": held,
                    "host": about.get("host"),
                    "pid": about.get("pid"),
                    "age_seconds": round(now - int(joined or now * 1000) / 1000, 1),
                }
            )
        return result

    def _workers(self, ids: list[str], held: list[dict], now: float) -> list[dict[str, Any]]:
        commands = [
            ("HMGET", self._keys.named("worker", id), "info", "state", "completed", "joined")
            for id in ids
        ]
        replies = self._ask(commands)
        heads = self._heads(held)
        result = []
        for id, (info, state, completed, joined) in zip(ids, replies, strict=True):
            about = msgspec.json.decode(info or b"{}")
            current = [
                _current(lease, heads.get(lease["slot"], {}), now)
                for lease in held
                if lease["slot"].rpartition("/")[0] == id
            ]
            told = (state or b"idle").decode()
            result.append(
                {
                    "id": id,
                    "host": about.get("host"),
                    "pid": about.get("pid"),
                    "name": about.get("name", ""),
                    "queues": about.get("queues", []),
                    "threads": about.get("threads", 1),
                    "state": told if told == "draining" else ("busy" if current else "idle"),
                    "current": current,
                    "completed_total": int(completed or 0),
                    "age_seconds": round(now - int(joined or now * 1000) / 1000, 1),
                }
            )
        return result

    def _heads(self, held: list[dict]) -> dict[str, dict]:
        commands = [
            ("XRANGE", self._keys.named("queue", lease["queue"]), lease["entry"], lease["entry"])
            for lease in held
        ]
        result = {}
        for lease, found in zip(held, self._ask(commands), strict=True):
            if found:
                fields = dict(zip(found[0][1][::2], found[0][1][1::2], strict=True))
                result[lease["slot"]] = _safe_head(fields.get(b"h", b""))
        return result


def _safe_head(raw: bytes) -> dict:
    try:
        head = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return {}
    return head if isinstance(head, dict) else {}


def _current(lease: dict, head: dict, now: float) -> dict[str, Any]:
    return {
        "request_id": head.get("request_id"),
        "method": head.get("method"),
        "path": head.get("path"),
        "seconds": round(max(0.0, now - lease["claimed"] / 1000), 3),
    }


def _leases(raw: dict[str, str]) -> list[dict]:
    result = []
    for slot, value in raw.items():
        id, attempt, claimed, _turn, queue, entry, *_ = value.split(" ")
        result.append(
            {
                "slot": slot,
                "id": id,
                "attempt": int(attempt),
                "claimed": int(claimed),
                "queue": queue,
                "entry": entry,
            }
        )
    return result


def _queue(name: str, state: dict, pauses: dict, raw: dict, now: float) -> QueueStats:
    queue = QueueStats(name)
    queue.depth = max(0, int(state.get(f"waiting:{name}", 0)))
    queue.in_flight = max(0, int(state.get(f"inflight:{name}", 0)))
    queue.paused = int(state.get(f"paused:{name}", 0)) > now * 1000
    if queue.paused:
        queue.pause = _safe_head(pauses.get(name, "{}").encode())
        queue.pause["until"] = int(state[f"paused:{name}"]) / 1000
    for field_name, value in raw.items():
        _add_stat(queue, field_name, int(value))
    queue.enqueued_total = queue.totals.pop("enqueued", 0)
    queue.completed_total = sum(queue.codes.values())
    queue.wait_p50_seconds = queue.wait.percentile(0.50)
    queue.wait_p95_seconds = queue.wait.percentile(0.95)
    queue.wait_p99_seconds = queue.wait.percentile(0.99)
    return queue


def _add_stat(queue: QueueStats, name: str, value: int) -> None:
    kind, _, rest = name.partition(":")
    if kind in ("wait", "run"):
        histogram = queue.wait if kind == "wait" else queue.run
        if rest == "us":
            histogram.seconds = value / 1e6
        else:
            histogram.buckets[int(rest) - 1] = value
    elif kind == "code":
        method, _, code = rest.partition(":")
        queue.codes[method, code] = value
    else:
        queue.totals[name] = value


def _add_rates(queues: list[QueueStats], rows: list[bytes]) -> None:
    if len(rows) < 2:
        return
    first, last = (msgspec.json.decode(row) for row in (rows[0], rows[-1]))
    span = max(1, last["t"] - first["t"])
    for queue in queues:
        if queue.name in first["q"] and queue.name in last["q"]:
            before, after = first["q"][queue.name], last["q"][queue.name]
            queue.arrival_rate = round(max(0, after[3] - before[3]) / span, 2)
            queue.completion_rate = round(max(0, after[4] - before[4]) / span, 2)


def _pairs(flat: list) -> dict[str, str]:
    texts = [item.decode("utf-8", "replace") for item in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _info(raw: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in raw.decode().splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines}
