"""Reads everything the page shows of one moment, from the broker alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import conf
from ..broker.link.links import Link
from ..broker.observe.groups import GroupStats
from ..broker.observe.history import Row, Window, as_columns, read_deploys, read_history, read_since
from ..broker.observe.processes import FrontStats, WorkerStats
from ..broker.observe.reader import SnapshotReader
from ..broker.observe.snapshot import QueueStats, Snapshot
from ..broker.operate.control import LONGEST_PAUSE, Control, longest_safe_pause
from ..broker.operate.listed import DeadLetter, Waiting
from ..broker.operate.replay import why_not_again
from ..envelopes import Codec
from ..route_table import OPS_QUEUE
from . import sparkline
from .chart_selection import ChartSelection
from .memory import broker_memory, memory_over_time
from .releases import releases_shown
from .routes import slowest
from .wording import duration, megabytes, moment, not_served_text, reason_text

OLDEST = 10  # waiting requests listed
LETTERS = 20  # dead letters listed
SPARK = Window(300, 1, 5)


@dataclass
class PageState:
    """The state shown; `live` goes to the templates, `history` to the charts."""

    live: dict[str, Any]
    history: dict[str, Any]


def read_page_state(
    link: Link, shown: ChartSelection, *, letters: bool, after: float | None = None
) -> PageState:
    """Ask the broker for all of it.

    Args:
        letters: also the dead letters themselves.
        after: seconds; of the history only what is newer.

    Raises:
        BrokerUnavailable: it could not be asked.
    """
    settings = conf.get_settings()
    snapshot = SnapshotReader(link, settings.all_queues).snapshot()
    control = Control(link)
    recent = read_history(link, SPARK, snapshot.now)
    live = {
        "tiles": _tiles(snapshot, recent, settings.max_hold),
        "badges": badges(snapshot, settings.max_hold),
        "system": _system(snapshot),
        "workers": [_worker(worker) for worker in snapshot.workers],
        "scaling": snapshot.scaling.supervisors,
        "fronts": [_front(front) for front in snapshot.fronts],
        "groups": [_group(group) for group in snapshot.groups],
        **releases_shown(snapshot),
        "slowest": slowest(link),
        "waiting": [waiting_shown(one) for one in control.oldest(settings.queues, OLDEST)],
        "dead_letters": snapshot.dead_letters,
        "letters": letters_shown(control.dead_letters(LETTERS)) if letters else [],
        "longest_pause": round(LONGEST_PAUSE),
        "longest_safe_pause": round(
            longest_safe_pause(snapshot, settings.queues, settings.max_hold)
        ),
    }
    history = _history(link, shown, snapshot.now, after)
    live["collected_since"] = moment(history["since"]) if history["since"] else None
    live["deploys"] = [
        {"at": moment(deploy["t"]), "release": deploy["release"]} for deploy in history["deploys"]
    ]
    return PageState(live, history)


def badges(snapshot: Snapshot, max_hold: float) -> list[dict[str, str]]:
    """List what is not as it should be, worst first; no figures, so that it is read out once."""
    queues = _public(snapshot)
    late = [queue.name for queue in queues if queue.oldest_wait_seconds >= max_hold / 2]
    paused = [queue.name for queue in queues if queue.paused]
    told = []
    if not snapshot.workers:
        told.append(("error", _("No workers: requests wait until one starts")))
    elif not snapshot.serving:
        told.append(("error", _("All workers stand by: none is of the active release")))
    if snapshot.boot_failures:
        served = all(failure.serving for failure in snapshot.boot_failures)
        told.append(("warning" if served else "error", _("Worker processes do not come up")))
    if snapshot.nearly_full:
        told.append(("error", _("The broker is nearly out of memory")))
    if not snapshot.fronts:
        told.append(("error", _("No fronts: nobody accepts requests")))
    if late:
        text = _("The oldest request has waited for half of the hold: %(queues)s")
        told.append(("error", text % {"queues": ", ".join(late)}))
    if paused:
        told.append(("warning", _("Paused: %(queues)s") % {"queues": ", ".join(paused)}))
    if snapshot.unreadable:
        text = _("Values in the broker could not be read: somebody wrote there")
        told.append(("warning", text))
    return [{"level": level, "text": text} for level, text in told]


def _public(snapshot: Snapshot) -> list[QueueStats]:
    """List all queues but the operators' lane, whose traffic is this page."""
    return [queue for queue in snapshot.queues if queue.name != OPS_QUEUE]


def _history(link: Link, shown: ChartSelection, now: float, after: float | None) -> dict[str, Any]:
    window = shown.window
    rows = read_history(link, window, now, after)
    deploys = read_deploys(link, now - window.reach)
    since = read_since(link, window) or now
    return {
        **as_columns(rows, shown.queues, window.step),
        "step": window.step,
        "reach": window.reach,
        "end": now,
        # Where the window reaches further back than anything was collected.
        "since": since if since > now - window.reach else None,
        "deploys": [{"t": deploy.t, "release": deploy.release} for deploy in deploys],
    }


def _tiles(snapshot: Snapshot, rows: Sequence[Row], max_hold: float) -> list[dict[str, Any]]:
    return [
        {**_tile(queue, rows, snapshot.now), "late": _late(queue, max_hold)}
        for queue in _public(snapshot)
    ]


def _tile(queue: QueueStats, rows: Sequence[Row], now: float) -> dict[str, Any]:
    columns = as_columns(rows, [queue.name], SPARK.step)
    depths, spark = columns["depth"], _spark(columns, now)
    return {
        "name": queue.name,
        "depth": queue.depth,
        "in_flight": queue.in_flight,
        "oldest": duration(queue.oldest_wait_seconds if queue.depth else None),
        "arrivals": f"{queue.arrival_rate:.1f}",
        "completions": f"{queue.completion_rate:.1f}",
        "waits": list(map(duration, queue.wait_percentiles)),
        "runs": list(map(duration, queue.run_percentiles)),
        "not_served": not_served_text(queue.not_served),
        "why_not_served": queue.not_served.why,
        "completed": queue.completed_total,
        "retried": queue.retried_total,
        "replayed": queue.replayed_total,
        "paused": queue.paused,
        "pause": _pause(queue.pause, now) if queue.pause else None,
        "pace": queue.pace,
        "spark": spark,
        "spark_area": sparkline.area(spark),
        "peak": max((depth for depth in depths if depth is not None), default=0),
    }


def _spark(columns: dict[str, list[Any]], now: float) -> str:
    """Draw how many waited, over the whole of the time: what is not known has no line."""
    at = [1 - (now - t) / SPARK.reach for t in columns["t"]]
    return sparkline.points(columns["depth"], at)


def _late(queue: QueueStats, max_hold: float) -> dict[str, Any] | None:
    """Say how far the oldest is, once it has waited for half of the hold."""
    waited = queue.oldest_wait_seconds
    if not queue.depth or waited < max_hold / 2:
        return None
    left = duration(max_hold - waited) if waited < max_hold else None
    return {"waited": duration(waited), "hold": duration(max_hold), "left": left}


def _pause(pause: dict[str, Any], now: float) -> dict[str, Any]:
    return {
        "by": pause.get("by", ""),
        "reason": pause.get("reason", ""),
        "since": moment(pause.get("since", now)),
        # A hold renews its pause again and again: when that would end says nothing.
        "left": None if pause.get("hold") else duration(max(0.0, pause["until"] - now)),
    }


def _system(snapshot: Snapshot) -> dict[str, Any]:
    settings = conf.get_settings()
    ops = next(queue for queue in snapshot.queues if queue.name == OPS_QUEUE)
    return {
        "broker": f"{snapshot.server.capitalize()} {snapshot.version}",
        "held": sum(front["held"] for front in snapshot.fronts),
        "ops_depth": ops.depth,
        "ops_in_flight": ops.in_flight,
        "max_hold": settings.max_hold,
        "memory": broker_memory(snapshot, settings.max_memory),
    }


def _worker(worker: WorkerStats) -> dict[str, Any]:
    current = worker["current"]
    pending = worker.get("pending_migrations") or 0
    return {
        "id": worker["id"],
        "name": worker["name"] or f"{worker['host']}:{worker['pid']}",
        "process": f"{worker['host']}:{worker['pid']}" if worker["name"] else "",
        "state": worker["state"],
        "release": worker["release"],
        "age": duration(worker["age_seconds"]),
        "memory": megabytes(worker["memory_bytes"]),
        **memory_over_time(worker),
        "completed": worker["completed_total"],
        "current": [{**run, "age": duration(run["seconds"])} for run in current],
        "idle": max(0, worker["threads"] - len(current)),
        "pending": ngettext("%d migration not applied", "%d migrations not applied", pending)
        % pending
        if pending
        else "",
    }


def _front(front: FrontStats) -> dict[str, Any]:
    return {
        **front,
        "name": f"{front['host']}:{front['pid']}",
        "age": duration(front["age_seconds"]),
    }


def _group(group: GroupStats) -> dict[str, Any]:
    runs = _("%(running)d of %(at_most)d") % group._asdict()
    return {"name": group.name, "runs": runs, "waiting": group.waiting}


def waiting_shown(request: Waiting) -> dict[str, Any]:
    """Word a waiting request for a table."""
    return {
        "id": f"{request.queue} {request.entry}",
        "queue": request.queue,
        "method": request.method,
        "path": request.path,
        "request_id": request.request_id,
        "age": duration(request.seconds),
    }


def letters_shown(letters: Sequence[DeadLetter]) -> list[dict[str, Any]]:
    """Word dead letters for a table.

    Args:
        letters: with their bodies, without which it is not known whether they can be run again.
    """
    codec = conf.broker().codec(conf.signing_secrets())
    kept = conf.get_settings().keep_executions
    return [_letter(letter, codec, kept) for letter in letters]


def _letter(letter: DeadLetter, codec: Codec, kept: float) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": moment(letter.at),
        "reason": reason_text(letter.reason),
        "why_not_again": why_not_again(letter, codec, kept),
        "queue": letter.queue,
        "method": letter.head.method,
        "path": letter.head.path,
        "attempts": letter.attempts,
    }
