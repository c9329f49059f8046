"""Shows what became of one request, found by its id."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from .. import conf
from ..broker.observe.find import RequestFinder
from ..broker.observe.found_request import (
    ANSWERED,
    DEAD_LETTER,
    LEFT,
    RUNNING,
    TURNED_AWAY,
    WAITING,
    FoundRequest,
    Moment,
)
from ..exceptions import BrokerUnavailable, SchemaMismatch
from .pages import away, page_context, require
from .wording import duration, moment, reason_text

if TYPE_CHECKING:
    from ..admin import QueueAdmin

LONGEST_ID = 128  # characters, as fronts take it from clients


def one_request(model_admin: "QueueAdmin", request: HttpRequest) -> TemplateResponse:
    """Render all requests of the id in ``?id=``; 503 where the broker can't be asked."""
    require(request, "view_dashboard")
    wanted = request.GET.get("id", "").strip()[:LONGEST_ID]
    settings = conf.get_settings()
    context = page_context(model_admin, request, _("Find a request"))
    context.update(wanted=wanted, below="queue", kept=settings.keep_answered)
    try:
        with conf.broker().link("dashboard") as link:
            finder = RequestFinder(link, settings.all_queues)
            found = finder.find(wanted) if wanted else []
            since = finder.kept_since(settings.keep_answered)
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    context.update(
        found=[_shown(one) for one in found],
        since=None if since is None else moment(since),
        may_manage=request.user.has_perm("queueproxy.manage_dead_letters"),
    )
    return TemplateResponse(request, "queueproxy/request.html", context)


def _shown(one: FoundRequest) -> dict[str, Any]:
    return {
        "what": f"{one.method} {one.path or one.route}".rstrip(),
        "state": _state(one),
        "failed": one.state in (DEAD_LETTER, LEFT, TURNED_AWAY) or one.status >= 500,
        "queue": one.queue,
        "entry": one.entry,
        "attempts": one.attempts,
        "release": one.release,
        "letter": one.letter,
        "steps": [
            _step(step, before)
            for step, before in zip(one.moments, (None, *one.moments), strict=False)
        ],
    }


def _state(one: FoundRequest) -> str:
    if one.state == DEAD_LETTER and one.status:
        words = _("Could not be run to its end: %(why)s; its client got %(status)d")
        return words % {"why": reason_text(one.reason), "status": one.status}
    told = {
        WAITING: _("Waits"),
        RUNNING: _("Runs; its answer has begun") if one.answering else _("Runs"),
        ANSWERED: _("Answered with %d") % one.status,
        LEFT: _("Its client left before the end of the answer"),
        DEAD_LETTER: _("Could not be run to its end: %s") % reason_text(one.reason),
        TURNED_AWAY: _("Answered with %(status)d by its front: %(why)s")
        % {"status": one.status, "why": one.reason},
    }
    return told[one.state]


def _step(step: Moment, before: Moment | None) -> dict[str, Any]:
    words = {
        "arrived": _("Taken in by its front"),
        "queued": _("Put on its queue"),
        "claimed": _("Claimed by a worker"),
        "first_byte": _("Its answer began"),
        "settled": _("Over"),
        "refused": _("Answered by its front"),
        "left": _("Its client left"),
    }
    # A front's clock may be ahead of the broker's.
    later = None if before is None else duration(max(0.0, step.at - before.at))
    return {"what": words[step.what], "at": moment(step.at), "by": step.by, "later": later}
