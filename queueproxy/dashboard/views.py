"""What can be seen: the page, its data, one dead letter."""

from dataclasses import asdict
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from .. import conf
from ..broker.control import Control
from ..broker.history import WINDOWS, Window, as_columns, read_history
from ..broker.snapshot import QueueStats
from ..broker.stats import Stats
from ..exceptions import BrokerUnavailable
from . import sparkline
from .broker import broker_link

OLDEST = 10  # waiting requests listed
LETTERS = 20  # dead letters listed
SPARK_WINDOW = Window(300, 1, 5)
DEFAULT_WINDOW = "15m"


def dashboard(model_admin, request):
    """The page."""
    _require(request, "view_dashboard")
    context = model_admin.admin_site.each_context(request)
    context.update(
        title=_("Queue"),
        opts=model_admin.opts,
        windows=list(WINDOWS),
        window=_window(request),
        may_control=request.user.has_perm("queueproxy.control_queue"),
        may_manage=request.user.has_perm("queueproxy.manage_dead_letters"),
        max_hold=conf.get_settings().max_hold,
    )
    status = 200
    try:
        context["state"] = _state(_window(request), context["may_manage"])
    except BrokerUnavailable as error:
        context["away"] = str(error)
        status = 503
    return TemplateResponse(request, "queueproxy/dashboard.html", context, status=status)


def data(model_admin, request):
    """The same as JSON, for the page's script."""
    _require(request, "view_dashboard")
    may_manage = request.user.has_perm("queueproxy.manage_dead_letters")
    try:
        return JsonResponse(_state(_window(request), may_manage))
    except BrokerUnavailable as error:
        return JsonResponse({"error": str(error)}, status=503)


def dead_letter(model_admin, request, id):
    """One dead letter, without what signs a person in and without the body."""
    _require(request, "manage_dead_letters")
    try:
        with broker_link() as link:
            letter = Control(link).dead_letter(id)
    except BrokerUnavailable as error:
        return JsonResponse({"error": str(error)}, status=503)
    if letter is None:
        raise Http404("There is no such dead letter.")
    context = model_admin.admin_site.each_context(request)
    context.update(title=_("Dead letter"), opts=model_admin.opts, letter=letter)
    return TemplateResponse(request, "queueproxy/dead_letter.html", context)


def _require(request, permission: str) -> None:
    if not request.user.has_perm(f"queueproxy.{permission}"):
        raise PermissionDenied


def _window(request) -> str:
    wanted = request.GET.get("window", DEFAULT_WINDOW)
    return wanted if wanted in WINDOWS else DEFAULT_WINDOW


def _state(window: str, may_manage: bool) -> dict[str, Any]:
    names = conf.get_settings().all_queues
    with broker_link() as link:
        snapshot = Stats(link, names).snapshot()
        rows = read_history(link, WINDOWS[window], snapshot.now)
        sparks = read_history(link, SPARK_WINDOW, snapshot.now)
        control = Control(link)
        waiting = control.oldest(names, OLDEST)
        letters = control.dead_letters(LETTERS) if may_manage else []
    queues = [_tile(queue, sparks) for queue in snapshot.queues]
    return {
        "now": snapshot.now,
        "broker": f"{snapshot.server} {snapshot.version}",
        "memory_mb": round(snapshot.memory_bytes / 2**20, 1),
        "queues": queues,
        "workers": snapshot.workers,
        "fronts": snapshot.fronts,
        "held": sum(front["held"] for front in snapshot.fronts),
        "waiting": [asdict(request) for request in waiting],
        "dead_letters": snapshot.dead_letters,
        "letters": [_letter(letter) for letter in letters],
        "badges": _badges(snapshot),
        "history": as_columns(rows, names, WINDOWS[window].step),
        "window": window,
    }


def _tile(queue: QueueStats, rows: list) -> dict[str, Any]:
    columns = as_columns(rows, [queue.name], SPARK_WINDOW.step)
    return {
        "name": queue.name,
        "depth": queue.depth,
        "in_flight": queue.in_flight,
        "oldest": round(queue.oldest_wait_seconds, 1),
        "arrivals": queue.arrival_rate,
        "completions": queue.completion_rate,
        "p50": queue.wait_p50_seconds,
        "p95": queue.wait_p95_seconds,
        "p99": queue.wait_p99_seconds,
        "enqueued": queue.enqueued_total,
        "completed": queue.completed_total,
        "paused": queue.paused,
        "pause": queue.pause,
        "pausable": queue.name != conf.OPS_QUEUE,
        "spark": sparkline.points(columns["depth"]),
    }


def _letter(letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": letter.at,
        "reason": letter.reason,
        "queue": letter.queue,
        "method": letter.head.get("method", "?"),
        "path": letter.head.get("path", "?"),
        "attempts": letter.attempts,
    }


def _badges(snapshot) -> list[str]:
    badges = []
    paused = [queue.name for queue in snapshot.queues if queue.paused]
    if paused:
        badges.append(_("Paused: %(queues)s") % {"queues": ", ".join(paused)})
    if not snapshot.workers:
        badges.append(_("No workers: requests wait until one starts"))
    half = conf.get_settings().max_hold / 2
    if any(queue.oldest_wait_seconds >= half for queue in snapshot.queues):
        badges.append(_("The oldest request has waited half of the hold"))
    return badges
