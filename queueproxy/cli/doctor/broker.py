"""Looks at the server that carries the queue, and at who is on its lists."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from ... import conf
from ...broker.handle import Broker
from ...broker.link.connect import server_info
from ...broker.link.links import Link
from ...broker.link.protocol import checked
from ...broker.observe.reader import SnapshotReader
from ...broker.observe.snapshot import Snapshot
from ...broker.observe.troubles import troubles
from ...checks import problems_of_server
from ...exceptions import BrokerUnavailable, ErrorReply, SchemaMismatch
from ...wording import count_text
from . import rights
from .finding import Finding, Level

AREA = "broker"
TRIPS = 50  # that are measured
SLOW = 0.005  # seconds a trip may take; a request makes some three, one after the other
NO_USER = ("NOAUTH", "WRONGPASS")


@dataclass
class State:
    """What the other examinations use of this one; as if nobody ran where it could not be asked."""

    info: Mapping[str, Any] = field(default_factory=dict)
    snapshot: Snapshot | None = None

    @property
    def threads(self) -> int:
        """Requests that are run at the same time now, over all workers."""
        return sum(worker["threads"] for worker in self.snapshot.workers) if self.snapshot else 0


def examine(state: State) -> Iterator[Finding]:
    """Ask it; what it answers is kept in `state`."""
    broker = conf.broker()
    try:
        state.info = server_info(broker.address)
    except BrokerUnavailable as error:
        yield _unreachable(broker, error)
        return
    try:
        with broker.link("doctor") as link:
            yield _answers(broker, state.info, link)
            yield from _of_server(state.info)
            yield from rights.examine(link)
        yield from _of_system(state)
    except ErrorReply as error:
        yield Finding(AREA, "error", str(error), _todo(error))
    except SchemaMismatch as error:
        yield Finding(AREA, "error", "Its state is another release's.", str(error))
    except BrokerUnavailable as error:
        yield _unreachable(broker, error)


def _unreachable(broker: Broker, error: BrokerUnavailable) -> Finding:
    return Finding(
        AREA,
        "error",
        f"{broker.address.shown} can't be reached: {error}",
        _todo(error),
        "W003",
    )


def _todo(error: BrokerUnavailable) -> str:
    code = error.code if isinstance(error, ErrorReply) else ""
    if code in NO_USER or any(code in str(error) for code in NO_USER):
        return "Give user and password in the cache's LOCATION, or correct them."
    if code == "NOPERM":
        return "Give this user the rights that manage.py queueproxy acl prints."
    if code == "MISCONF":
        return "The server can't save to its disk, and refuses writes until it can: make room."
    return (
        f"Start it, or correct the cache's LOCATION ({conf.BROKER_URL_VARIABLE} in the "
        "environment wins over it)."
    )


def _answers(broker: Broker, info: Mapping[str, Any], link: Link) -> Finding:
    times = []
    for _ in range(TRIPS):
        began = time.perf_counter()
        for reply in link.commands([("TIME",)]):
            checked(reply)
        times.append(time.perf_counter() - began)
    name = "valkey" if info.get("valkey_version") else "redis"
    version = info.get("valkey_version") or info.get("redis_version") or "?"
    text = (
        f"{name} {version} answers at {broker.address.shown} within "
        f"{median(times) * 1000:.2f} ms (the slowest of {TRIPS}: {max(times) * 1000:.2f} ms)."
    )
    if median(times) < SLOW:
        return Finding(AREA, "ok", text)
    todo = "Each page takes about three such trips: put the broker nearer to fronts and workers."
    return Finding(AREA, "warning", text, todo)


def _of_server(info: Mapping[str, Any]) -> Iterator[Finding]:
    for problem in problems_of_server(info):
        level: Level = "warning" if problem.is_warning else "error"
        yield Finding(AREA, level, problem.message, problem.hint, problem.code)
    yield _persistence(info)
    connected, most = int(info.get("connected_clients", 0)), int(info.get("maxclients", 0))
    if 0 < most < connected * 5 / 4:
        yield Finding(
            AREA,
            "warning",
            f"{connected} of {most} connections (maxclients) are taken.",
            "Past them fronts and workers are turned away: raise maxclients.",
        )


def _persistence(info: Mapping[str, Any]) -> Finding:
    for name in ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"):
        if info.get(name, "ok") != "ok":
            return Finding(
                AREA,
                "error",
                f"The server could not save its data ({name}: {info[name]}).",
                "It may refuse all writes until it can: look at its log, and at its disk.",
            )
    if info.get("aof_enabled"):
        return Finding(AREA, "ok", "It keeps each change on disk (appendonly).")
    return Finding(
        AREA,
        "note",
        "It keeps no change on disk at once (appendonly no). Where it restarts, fronts queue again "
        "what may be repeated; other requests get 502, pauses and dead letters are lost.",
        "Set appendonly yes where that is too much.",
    )


def _of_system(state: State) -> Iterator[Finding]:
    settings = conf.get_settings()
    with conf.broker().link("doctor") as link:
        state.snapshot = SnapshotReader(link, settings.all_queues).snapshot()
    fronts, workers = state.snapshot.fronts, state.snapshot.workers
    if not fronts and not workers:
        yield Finding(AREA, "note", "No front and no worker runs.")
        return
    yield Finding(
        AREA,
        "ok",
        f"{count_text(len(fronts), 'front')} and {count_text(len(workers), 'worker')} "
        f"({count_text(state.threads, 'request')} at a time) are on its lists.",
    )
    for trouble in troubles(state.snapshot, settings.max_hold):
        # A pause or a dead letter is nothing wrong with the set-up.
        level: Level = "error" if trouble.level == "error" else "note"
        yield Finding(AREA, level, trouble.text, "See manage.py queueproxy status.")
