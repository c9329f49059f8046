"""Words what the page shows of memory: the broker's, and each worker's over its life."""

from typing import Any

from django.utils.translation import gettext as _

from ..broker.observe.processes import WorkerStats
from ..broker.observe.snapshot import Snapshot
from ..wording import share_text
from . import sparkline
from .wording import UNKNOWN, duration, megabytes

WARM_UP = 4  # the first point after a quarter of its life is what a worker's growth is told from
TOLD = 10 * 2**20  # bytes of growth that are told
LEAKING = 0.5  # of what it had: growth that is more is an alarm
FEWEST = 4  # points


def broker_memory(snapshot: Snapshot, max_memory: int) -> dict[str, Any]:
    """Return how much the server has and uses, and how much of that is requests and answers.

    Args:
        max_memory: the setting ``MAX_MEMORY``, bytes.
    """
    share, limit = snapshot.memory_share, snapshot.memory_limit_bytes
    return {
        "used": megabytes(snapshot.memory_bytes),
        "limit": _("of %s") % megabytes(limit) if limit else _("without a limit"),
        "share": UNKNOWN if share is None else share_text(share),
        "percent": None if share is None else min(100, round(share * 100)),
        "nearly_full": snapshot.nearly_full,
        "of_requests": _("%.1f MiB") % (snapshot.queue_bytes / 2**20),
        "of_requests_most": megabytes(max_memory),
    }


def memory_over_time(worker: WorkerStats) -> dict[str, Any]:
    """Return a worker's line of memory, and by how much it has grown since it was warm."""
    points = worker.get("memory_history_bytes") or []
    shown = {"memory_spark": sparkline.points(points), "memory_grown": "", "memory_leaks": False}
    if len(points) < FEWEST:
        return shown
    at = len(points) // WARM_UP
    grown = points[-1] - points[at]
    if grown >= TOLD:
        over = duration(worker["age_seconds"] * (len(points) - 1 - at) / (len(points) - 1))
        words = {"size": megabytes(grown), "time": over}
        shown["memory_grown"] = _("+%(size)s in %(time)s") % words
        shown["memory_leaks"] = grown >= LEAKING * points[at]
    return shown
