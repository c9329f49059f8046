"""Shows all that waits and all dead letters: searched, in pages, and as files."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from .. import conf
from ..broker.link.links import Link
from ..broker.operate.listed import DeadLetter, Waiting
from ..broker.operate.lists import Listed, Lists
from ..exceptions import BrokerUnavailable, SchemaMismatch
from .list_selection import LISTS, ListSelection
from .page_state import letters_shown, waiting_shown
from .pages import away, page_context, require
from .wording import reason_text

if TYPE_CHECKING:
    from ..admin import QueueAdmin

ROWS = 50  # of a page
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
# A spreadsheet takes a text that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def waiting(model_admin: "QueueAdmin", request: HttpRequest) -> TemplateResponse:
    """Render a page of what waits; 503 where the broker can't be asked."""
    require(request, "view_dashboard")
    shown = ListSelection.of(request.GET)
    context = _context(model_admin, request, _("Waiting requests"), shown)
    context["may_control"] = request.user.has_perm("queueproxy.control_queue")
    try:
        with conf.broker().link("dashboard") as link:
            found = waiting_found(link, shown)
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    rows = _page(context, found, shown)
    context["waiting"] = [waiting_shown(one) for one in rows]
    return TemplateResponse(request, "queueproxy/waiting.html", context)


def letters(model_admin: "QueueAdmin", request: HttpRequest) -> TemplateResponse:
    """Render a page of dead letters; 503 where the broker can't be asked."""
    require(request, "manage_dead_letters")
    shown = ListSelection.of(request.GET)
    context = _context(model_admin, request, _("Dead letters"), shown)
    try:
        with conf.broker().link("dashboard") as link:
            lists = Lists(link)
            found = lists.dead(shown.wanted())
            reasons = sorted({*found.reasons, shown.reason} - {""})
            context["reasons"] = [(one, reason_text(one)) for one in reasons]
            rows = _page(context, found, shown)
            context["letters"] = letters_shown(lists.whole_letters(rows))
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    return TemplateResponse(request, "queueproxy/letters.html", context)


def waiting_found(link: Link, shown: ListSelection, until: int = 0) -> Listed[Waiting]:
    """Find what waits and is wanted; see `Lists.waiting`."""
    return Lists(link).waiting(conf.get_settings().queues, shown.wanted(until))


def _context(
    model_admin: "QueueAdmin", request: HttpRequest, title: str, shown: ListSelection
) -> dict[str, Any]:
    context = page_context(model_admin, request, title)
    queues = conf.get_settings().queues
    context.update(shown=shown, below="queue", queues=queues, methods=METHODS)
    return context


def _page(context: dict[str, Any], found: Listed[Any], shown: ListSelection) -> Sequence[Any]:
    last = max(1, -(-len(found.rows) // ROWS))
    page = min(shown.page, last)
    first = (page - 1) * ROWS
    context.update(
        matching=len(found.rows),
        total=found.total,
        complete=found.complete,
        page=page,
        last_page=last,
        query=shown._replace(page=1).query,
        before=shown._replace(page=page - 1).query if page > 1 else "",
        after=shown._replace(page=page + 1).query if page < last else "",
    )
    return found.rows[first : first + ROWS]


# Files.


def export(model_admin: "QueueAdmin", request: HttpRequest, what: str, form: str) -> HttpResponse:
    """Give all that match as a file.

    Args:
        what: one of LISTS.
        form: ``csv`` or ``json``.
    """
    require(request, "manage_dead_letters" if what == "letters" else "view_dashboard")
    if what not in LISTS or form not in ("csv", "json"):
        raise Http404
    shown = ListSelection.of(request.GET)
    rows: Sequence[_LetterRow | _WaitingRow]
    try:
        with conf.broker().link("dashboard") as link:
            if what == "letters":
                rows = [_letter_row(one) for one in Lists(link).dead(shown.wanted()).rows]
            else:
                rows = [_waiting_row(one) for one in waiting_found(link, shown).rows]
    except (BrokerUnavailable, SchemaMismatch) as error:
        return HttpResponse(str(error), status=503, content_type="text/plain; charset=utf-8")
    answer: HttpResponse
    if form == "json":
        answer = JsonResponse([row._asdict() for row in rows], safe=False)
    else:
        names = (_LetterRow if what == "letters" else _WaitingRow)._fields
        answer = HttpResponse(_as_csv(names, rows), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{what}.{form}"'
    return answer


class _WaitingRow(NamedTuple):
    request_id: str
    queue: str
    method: str
    path: str
    waited_seconds: float


class _LetterRow(NamedTuple):
    id: str
    request_id: str
    at: str
    reason: str
    queue: str
    method: str
    path: str
    attempts: int
    worker: str


def _waiting_row(one: Waiting) -> _WaitingRow:
    return _WaitingRow(one.request_id, one.queue, one.method, one.path, one.seconds)


def _letter_row(one: DeadLetter) -> _LetterRow:
    return _LetterRow(
        id=one.id,
        request_id=one.head.request_id or "",
        at=datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds"),
        reason=one.reason,
        queue=one.queue,
        method=one.head.method,
        path=one.head.path,
        attempts=one.attempts,
        worker=one.worker,
    )


def _as_csv(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(map(_safe, row) for row in rows)
    return text.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
