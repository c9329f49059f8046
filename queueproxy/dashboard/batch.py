"""Acts on all rows of a list that match: first asks how many these are, then does it."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import conf
from ..broker.link.links import Link
from ..broker.operate.listed import DeadLetter, Waiting
from ..broker.operate.lists import Listed, Lists
from ..exceptions import BrokerUnavailable, SchemaMismatch
from .actions import Refused, action
from .list_selection import ListSelection
from .lists import waiting_found
from .pages import away, page_context, require

if TYPE_CHECKING:
    from ..admin import QueueAdmin

EXAMPLES = 10  # rows shown before it is done


def withdraw_all(model_admin: "QueueAdmin", request: HttpRequest) -> HttpResponse:
    """Ask whether to withdraw all that wait and match, or, where it is a POST, do it."""
    if request.method == "POST":
        return _withdraw(model_admin, request)
    require(request, "control_queue")
    return _preview(model_admin, request, "waiting")


def discard_all(model_admin: "QueueAdmin", request: HttpRequest) -> HttpResponse:
    """Ask whether to discard all dead letters that match, or, where it is a POST, do it."""
    if request.method == "POST":
        return _discard(model_admin, request)
    require(request, "manage_dead_letters")
    return _preview(model_admin, request, "letters")


@action("control_queue")
def _withdraw(request: HttpRequest, link: Link) -> str:
    found = waiting_found(link, ListSelection.of(request.POST), _until(request))
    number = Lists(link).withdraw(found.rows)
    if not number:
        raise Refused(_("None of these requests waits any more."))
    text = ngettext(
        "%d request was withdrawn; its client was told.",
        "%d requests were withdrawn; their clients were told.",
        number,
    )
    return text % number


@action("manage_dead_letters")
def _discard(request: HttpRequest, link: Link) -> str:
    lists = Lists(link)
    found = lists.dead(ListSelection.of(request.POST).wanted(_until(request)))
    number = lists.discard(found.rows)
    if not number:
        raise Refused(_("None of these dead letters is there any more."))
    text = ngettext("%d dead letter was discarded.", "%d dead letters were discarded.", number)
    return text % number


def _until(request: HttpRequest) -> int:
    """Return until when those came that were counted: of later ones nobody has been asked."""
    text = request.POST.get("until", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refused(_("Nothing was done: it was not said which."))
    return int(text)


def _preview(model_admin: "QueueAdmin", request: HttpRequest, what: str) -> TemplateResponse:
    shown = ListSelection.of(request.GET)._replace(page=1)
    context = page_context(model_admin, request, _title(what))
    found: Listed[Waiting] | Listed[DeadLetter]
    try:
        with conf.broker().link("dashboard") as link:
            if what == "waiting":
                found = waiting_found(link, shown)
            else:
                found = Lists(link).dead(shown.wanted())
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    context.update(
        what=what,
        shown=shown,
        below=what,
        number=len(found.rows),
        until=found.now,
        question=_question(what, len(found.rows)),
        examples=[_named(row) for row in found.rows[:EXAMPLES]],
        more=max(0, len(found.rows) - EXAMPLES),
        fields=[(name, word) for name, word in shown._asdict().items() if name != "page"],
    )
    return TemplateResponse(request, "queueproxy/batch.html", context)


def _title(what: str) -> str:
    return _("Withdraw all that match") if what == "waiting" else _("Discard all that match")


def _question(what: str, number: int) -> str:
    if what == "waiting":
        text = ngettext(
            "Withdraw %d request? Its client gets 503 and may send it again.",
            "Withdraw %d requests? Their clients get 503 and may send them again.",
            number,
        )
    else:
        text = ngettext(
            "Discard %d dead letter for good?", "Discard %d dead letters for good?", number
        )
    return text % number


def _named(row: Any) -> str:
    return f"{row.method} {row.path}" if isinstance(row, Waiting) else _named_letter(row)


def _named_letter(letter: DeadLetter) -> str:
    return f"{letter.head.method} {letter.head.path}"
