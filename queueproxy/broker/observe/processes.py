"""Who is there: fronts, and workers with what each of their threads runs now."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...exceptions import DecodeError
from ...json_text import json_object
from ...keys import Keys
from ...records import Lease, parse
from .lease_clock import FIELD, lease_clock

Ask = Callable[[list[tuple]], list]  # commands in, their replies out

# States a worker tells itself; whether it is busy is read from the leases.
DRAINING = "draining"
WAITING = "waiting for migrations"


class InFlight(NamedTuple):
    """A lease and whose it is."""

    worker: str
    thread: int
    lease: Lease


def parse_leases(raw: dict[str, str]) -> list[InFlight]:
    """The hash ``leases``; what is no lease is left out, for what is shown must not fail."""
    found = []
    for slot, text in raw.items():
        worker, _, thread = slot.rpartition("/")
        try:
            found.append(InFlight(worker, int(thread), parse(Lease, text)))
        except (DecodeError, ValueError):
            continue
    return sorted(found)


def read_fronts(ask: Ask, keys: Keys, ids: Sequence[str], now: float) -> list[dict[str, Any]]:
    """Each front of the list; `now` in seconds of the broker's clock."""
    commands: list[tuple] = []
    for id in ids:
        commands.append(("HMGET", keys.named("front", id), "info", "joined"))
        commands.append(("HLEN", keys.named("held", id)))
    replies = iter(ask(commands))
    fronts = []
    for id in ids:
        (info, joined), held = next(replies), next(replies)
        about = json_object(info)
        fronts.append(
            {
                "id": id,
                "held": held,
                "host": about.get("host"),
                "pid": about.get("pid"),
                "age_seconds": _age(joined, now),
            }
        )
    return fronts


def read_workers(
    ask: Ask,
    keys: Keys,
    ids: Sequence[str],
    leases: Sequence[InFlight],
    now: float,
    clock_ms: int,
) -> list[dict[str, Any]]:
    """Each worker of the list with what it runs.

    Args:
        now: seconds of the broker's clock.
        clock_ms: of the lease clock.
    """
    fields = ("info", "state", "completed", "joined", "memory")
    replies = ask([("HMGET", keys.named("worker", id), *fields) for id in ids])
    current: dict[str, list] = {id: [] for id in ids}
    for one, head in zip(leases, _heads(ask, keys, leases), strict=True):
        if one.worker in current:
            current[one.worker].append(_request(one, head, clock_ms))
    workers = []
    for id, (info, state, completed, joined, memory) in zip(ids, replies, strict=True):
        told = (state or b"idle").decode()
        busy = "busy" if current[id] else "idle"
        about = {"host": None, "pid": None, "name": "", "queues": [], "threads": 1, "release": ""}
        workers.append(
            {
                # Whatever else a worker tells of itself (its release, migrations) is passed on.
                **about,
                **json_object(info),
                "id": id,
                "state": told if told in (DRAINING, WAITING) else busy,
                "current": current[id],
                "completed_total": int(completed or 0),
                "memory_bytes": int(memory or 0),
                "age_seconds": _age(joined, now),
            }
        )
    return workers


def read_current(ask: Ask, keys: Keys, worker: str) -> list[dict[str, Any]]:
    """What one worker holds, longest first, as `read_workers` tells it."""
    (seconds, micros), raw, field = ask(
        [("TIME",), ("HGETALL", keys.leases), ("HGET", keys.state, FIELD)]
    )
    texts = [text.decode() for text in raw]
    leases = [
        lease
        for lease in parse_leases(dict(zip(texts[::2], texts[1::2], strict=True)))
        if lease.worker == worker
    ]
    clock_ms = lease_clock(field, int(seconds) * 1000 + int(micros) // 1000)
    heads = _heads(ask, keys, leases)
    current = [_request(lease, head, clock_ms) for lease, head in zip(leases, heads, strict=True)]
    return sorted(current, key=lambda request: -request["seconds"])


def _heads(ask: Ask, keys: Keys, leases: Sequence[InFlight]) -> list[dict]:
    commands = [
        ("XRANGE", keys.named("queue", lease.queue), lease.entry, lease.entry)
        for _, _, lease in leases
    ]
    heads = []
    for found in ask(commands):
        flat = found[0][1] if found else []
        heads.append(json_object(dict(zip(flat[::2], flat[1::2], strict=True)).get(b"h")))
    return heads


def _request(one: InFlight, head: dict, clock_ms: int) -> dict[str, Any]:
    lease = one.lease
    return {
        "request_id": head.get("request_id"),
        "method": head.get("method"),
        "path": head.get("path"),
        "seconds": max(0, clock_ms - lease.claimed_ms) / 1000,
        "thread": one.thread,
        "queue": lease.queue,
        "attempt": lease.attempt,
    }


def _age(joined: bytes | None, now: float) -> float:
    return round(max(0.0, now - int(joined or now * 1000) / 1000), 1)
