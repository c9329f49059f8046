"""Shows the page, its data, one dead letter, and the question before a release is activated."""

import re
from typing import TYPE_CHECKING

from django.http import Http404, HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from .. import conf
from ..broker.observe.history import WINDOWS
from ..broker.observe.reader import SnapshotReader
from ..broker.operate.control import Control
from ..broker.operate.replay import why_not_again
from ..exceptions import BrokerUnavailable, SchemaMismatch
from .chart_selection import ChartSelection
from .page_state import PageState, read_page_state
from .pages import away, page_context, require
from .releases import release_change
from .wording import moment, reason_text

if TYPE_CHECKING:
    from ..admin import QueueAdmin

PARTS = ("badges", "tiles", "deploys", "tables")  # templates of what the page's script renews


def dashboard(model_admin: "QueueAdmin", request: HttpRequest) -> TemplateResponse:
    """Render the page; 503 where the broker can't be asked."""
    require(request, "view_dashboard")
    shown = ChartSelection.of(request.GET)
    context = page_context(model_admin, request, _("Queue"))
    context.update(
        _allowed(request),
        shown=shown,
        ready_url=_ready_url(),
        windows=[(name, shown._replace(window_name=name).query) for name in WINDOWS],
        queues=[
            (name, shown._replace(queue=name).query) for name in ("", *conf.get_settings().queues)
        ],
    )
    try:
        state = _state(shown, context["may_manage"])
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    context.update(state.live, history=state.history)
    return TemplateResponse(request, "queueproxy/dashboard.html", context)


def data(model_admin: "QueueAdmin", request: HttpRequest) -> JsonResponse:
    """Return the same as JSON for the page's script: columns for the charts, the rest as HTML.

    Of the history only the steps from ``?after=`` (seconds) on, where that is given.
    """
    require(request, "view_dashboard")
    allowed = _allowed(request)
    try:
        state = _state(ChartSelection.of(request.GET), allowed["may_manage"], _after(request))
    except (BrokerUnavailable, SchemaMismatch) as error:
        return JsonResponse({"error": str(error)}, status=503)
    context = {**state.live, **allowed}
    parts = {name: render_to_string(f"queueproxy/_{name}.html", context) for name in PARTS}
    return JsonResponse({"history": state.history, "parts": parts})


def dead_letter(model_admin: "QueueAdmin", request: HttpRequest, id: str) -> TemplateResponse:
    """Show one dead letter, without what signs a person in and without the body."""
    require(request, "manage_dead_letters")
    context = page_context(model_admin, request, _("Dead letter"))
    try:
        with conf.broker().link("dashboard") as link:
            letter = Control(link).dead_letter(id)
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    if letter is None:
        raise Http404(_("There is no such dead letter."))
    context.update(
        letter=letter,
        reason=reason_text(letter.reason),
        why_not_again=why_not_again(
            letter,
            conf.broker().codec(conf.signing_secrets()),
            conf.get_settings().keep_executions,
        ),
        below="queue",
        at=moment(letter.at),
        shown=ChartSelection.of(request.GET),
    )
    return TemplateResponse(request, "queueproxy/dead_letter.html", context)


def release(model_admin: "QueueAdmin", request: HttpRequest) -> TemplateResponse:
    """Ask whether to activate a release: from which, to which, and who is ready for it."""
    require(request, "manage_releases")
    context = page_context(model_admin, request, _("Release"))
    try:
        with conf.broker().link("dashboard") as link:
            snapshot = SnapshotReader(link, conf.get_settings().all_queues).snapshot()
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    change = release_change(snapshot, request.GET.get("to", ""))
    if change is None:
        raise Http404(_("There is no such release."))
    shown = ChartSelection.of(request.GET)
    context.update(change=change, below="queue", title=change["title"], shown=shown)
    return TemplateResponse(request, "queueproxy/release.html", context)


def _allowed(request: HttpRequest) -> dict[str, bool]:
    """Tell the templates which buttons to show."""
    names = {
        "may_control": "control_queue",
        "may_manage": "manage_dead_letters",
        "may_release": "manage_releases",
    }
    return {may: request.user.has_perm(f"queueproxy.{name}") for may, name in names.items()}


def _ready_url() -> str:
    """Where a front says whether it reaches the broker; empty where fronts have no endpoints."""
    prefix = conf.get_settings().endpoints
    return "" if prefix is None else f"{prefix}readyz"


def _state(shown: ChartSelection, letters: bool, after: float | None = None) -> PageState:
    with conf.broker().link("dashboard") as link:
        return read_page_state(link, shown, letters=letters, after=after)


def _after(request: HttpRequest) -> float | None:
    text = request.GET.get("after", "")
    return float(text) if re.fullmatch(r"[0-9]{1,12}", text) else None
