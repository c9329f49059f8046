"""Reads the lists of fronts and workers, and what each thread of a worker runs now."""

from collections.abc import Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict, cast

import msgspec

from ...records import Activation, Lease
from ..link.protocol import Command
from .lease_clock import FIELD, lease_clock, server_ms
from .process_info import FrontInfo, decode_front, worker_info
from .values import ValueReader

# States a worker tells itself; whether it is busy is read from the leases.
DRAINING = "draining"
WAITING = "waiting for migrations"
STANDBY = "standby"  # found here: another release is active
TIMED_OUT = "view timed out"  # as draining: its process ends because of VIEW_TIMEOUT
ENDING = (DRAINING, TIMED_OUT)


class FrontStats(TypedDict):
    """A front, as ``status --json`` shows it; None where it has not told."""

    id: str
    held: int
    host: str | None
    pid: int | None
    age_seconds: float


class RunningRequest(TypedDict):
    """A request that a worker runs, as ``status --json`` shows it; None where its head is gone."""

    request_id: str | None
    method: str | None
    path: str | None
    seconds: float
    thread: int
    queue: str
    attempt: int


class WorkerStats(TypedDict):
    """A worker, as ``status --json`` shows it, with what else its release tells: see WorkerInfo."""

    id: str
    host: str | None
    pid: int | None
    name: str
    queues: list[str]
    threads: int
    release: str
    standby: bool
    pending_migrations: NotRequired[int | None]
    follows_load: NotRequired[bool]
    state: str
    current: list[RunningRequest]
    completed_total: int
    memory_bytes: int
    memory_history_bytes: NotRequired[list[int]]
    age_seconds: float


class InFlight(NamedTuple):
    """A lease and whose it is."""

    worker: str
    thread: int
    lease: Lease


class _Head(msgspec.Struct, frozen=True):
    """The part of a request's head that is shown."""

    request_id: str | None = None
    method: str | None = None
    path: str | None = None
    release: str | None = None  # the one that it is tried on; none for a client's


_decode_head = msgspec.json.Decoder(_Head).decode


def read_leases(values: ValueReader, flat: Sequence[bytes]) -> list[InFlight]:
    """Parse the answer to HGETALL of ``leases``; leave out what is no lease."""
    found = []
    for slot, text in zip(flat[::2], flat[1::2], strict=True):
        worker, _, thread = values.text(slot).rpartition("/")
        lease = values.record(Lease, text)
        if lease is not None:
            found.append(InFlight(worker, values.number(thread), lease))
    return sorted(found, key=lambda one: one[:2])


def read_fronts(values: ValueReader, ids: Sequence[str], now: float) -> list[FrontStats]:
    """Parse each front of the list; `now` in seconds of the broker's clock.

    What has joined to have one request run, and accepts none, is left out; so is what has left
    since the list was read.
    """
    commands: list[Command] = []
    for id in ids:
        commands.append(("HMGET", values.keys.named("front", id), "info", "joined"))
        commands.append(("HLEN", values.keys.named("held", id)))
    replies = iter(values.ask(commands))
    fronts: list[FrontStats] = []
    for id in ids:
        (info, joined), held = next(replies), next(replies)
        about = values.json(decode_front, info, FrontInfo())
        if joined is None or about.errand:
            continue
        fronts.append(
            {
                "id": id,
                "held": held,
                "host": about.host,
                "pid": about.pid,
                "age_seconds": _age(values, joined, now),
            }
        )
    return fronts


def read_workers(
    values: ValueReader,
    ids: Sequence[str],
    leases: Sequence[InFlight],
    now: float,
    clock_ms: int,
    activation: Activation,
) -> list[WorkerStats]:
    """Parse each worker of the list, with what it runs.

    Workers that have left since the list was read are left out, as are requests that have ended.

    Args:
        now: seconds of the broker's clock.
        clock_ms: of the lease clock.
    """
    fields = ("info", "state", "completed", "joined", "memory")
    replies = values.ask([("HMGET", values.keys.named("worker", id), *fields) for id in ids])
    current: dict[str, list[RunningRequest]] = {id: [] for id in ids}
    running = _with_heads(values, leases)
    for one, head in running:
        if one.worker in current:
            current[one.worker].append(_request(one, head, clock_ms))
    for_clients = {one.worker for one, head in running if not head.release}
    workers = []
    for id, (info, state, completed, joined, memory) in zip(ids, replies, strict=True):
        if joined is None:
            continue
        about = worker_info(values, info)
        worker = {
            **about,
            "id": id,
            "state": _state(values.text(state), about, activation, current[id], id in for_clients),
            "current": current[id],
            "completed_total": values.number(completed),
            "memory_bytes": values.number(memory),
            "age_seconds": _age(values, joined, now),
        }
        workers.append(cast(WorkerStats, worker))
    return workers


def _state(
    told: str,
    about: dict[str, Any],
    activation: Activation,
    current: Sequence[RunningRequest],
    for_client: bool,  # whether any of these is a client's
) -> str:
    if told in (*ENDING, WAITING):
        return told
    active = activation.active
    stands_by = active != about["release"] if active else about["standby"]
    # One that stands by is busy with what it claimed before, until that is done. A trial
    # (`release smoke`) makes it none that serves.
    if for_client or (current and not stands_by):
        return "busy"
    return STANDBY if stands_by else "idle"


def read_current(values: ValueReader, worker: str) -> list[RunningRequest]:
    """List what one worker holds, longest first, as `read_workers` tells it."""
    keys = values.keys
    time, (field,), raw = values.ask(
        [("TIME",), ("HMGET", keys.state, FIELD), ("HGETALL", keys.leases)]
    )
    leases = [lease for lease in read_leases(values, raw) if lease.worker == worker]
    clock_ms = lease_clock(field, server_ms(time))
    running = _with_heads(values, leases)
    current = [_request(lease, head, clock_ms) for lease, head in running]
    return sorted(current, key=lambda request: -request["seconds"])


def _with_heads(values: ValueReader, leases: Sequence[InFlight]) -> list[tuple[InFlight, _Head]]:
    commands = [
        ("XRANGE", values.keys.named("queue", lease.queue), lease.entry, lease.entry)
        for _, _, lease in leases
    ]
    running = []
    for one, found in zip(leases, values.ask(commands), strict=True):
        if found:  # else it has been settled since its lease was read
            flat = found[0][1]
            raw = dict(zip(flat[::2], flat[1::2], strict=True)).get(b"h")
            running.append((one, values.json(_decode_head, raw, _Head())))
    return running


def _request(one: InFlight, head: _Head, clock_ms: int) -> RunningRequest:
    lease = one.lease
    return {
        "request_id": head.request_id,
        "method": head.method,
        "path": head.path,
        "seconds": max(0, clock_ms - lease.claimed_ms) / 1000,
        "thread": one.thread,
        "queue": lease.queue,
        "attempt": lease.attempt,
    }


def _age(values: ValueReader, joined: bytes | None, now: float) -> float:
    since = values.number(joined) / 1000 or now
    return round(max(0.0, now - since), 1)
