"""Acts on all rows of a list that match: first asks how many these are, then does it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.contrib import messages
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
from .replay import NotNow, replay_all_now

if TYPE_CHECKING:
    from ..admin import QueueAdmin

EXAMPLES = 10  # rows shown before it is done
READ_AT_ONCE = 20  # dead letters with their bodies
REASONS = 3  # shown of those for which some were not run


def withdraw_all(model_admin: "QueueAdmin", request: HttpRequest) -> HttpResponse:
    """Ask whether to withdraw all that wait and match, or, where it is a POST, do it."""
    if request.method == "POST":
        return _withdraw(model_admin, request)
    require(request, "control_queue")
    return _preview(model_admin, request, "withdraw")


def discard_all(model_admin: "QueueAdmin", request: HttpRequest) -> HttpResponse:
    """Ask whether to discard all dead letters that match, or, where it is a POST, do it."""
    if request.method == "POST":
        return _discard(model_admin, request)
    require(request, "manage_dead_letters")
    return _preview(model_admin, request, "discard")


def replay_all(model_admin: "QueueAdmin", request: HttpRequest) -> HttpResponse:
    """Ask whether to run all dead letters that match again, or, where it is a POST, do it."""
    if request.method == "POST":
        return _replay(model_admin, request)
    require(request, "manage_dead_letters")
    return _preview(model_admin, request, "replay")


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
    number = Lists(link).discard(_letters(request, link))
    if not number:
        raise Refused(_("None of these dead letters is there any more."))
    text = ngettext("%d dead letter was discarded.", "%d dead letters were discarded.", number)
    return text % number


@action("manage_dead_letters")
def _replay(request: HttpRequest, link: Link) -> str:
    letters = _letters(request, link)
    if not letters:
        raise Refused(_("None of these dead letters is there any more."))
    queues = sorted({letter.queue for letter in letters})
    try:
        done = replay_all_now(link, queues, _whole(link, letters), request)
    except NotNow as error:
        raise Refused(str(error)) from error
    for reason, number in done.failed.most_common(REASONS):
        messages.warning(request, _("%(number)d: %(why)s") % {"number": number, "why": reason})
    if done.left:
        messages.warning(request, _("%d were left for want of time.") % done.left)
    if not done.answered:
        raise Refused(_("None was answered."))
    text = ngettext(
        "%(number)d dead letter was run again and answered, %(errors)d of them with 5xx.",
        "%(number)d dead letters were run again and answered, %(errors)d of them with 5xx.",
        done.answered,
    )
    return text % {"number": done.answered, "errors": done.errors}


def _letters(request: HttpRequest, link: Link) -> list[DeadLetter]:
    shown = ListSelection.of(request.POST)
    return Lists(link).dead(shown.wanted(_until(request))).rows


def _whole(link: Link, letters: Sequence[DeadLetter]) -> Iterator[DeadLetter]:
    """Yield letters with their bodies, oldest first, and read a few ahead."""
    for at in range(0, len(letters), READ_AT_ONCE):
        yield from Lists(link).whole_letters(letters[::-1][at : at + READ_AT_ONCE])


def _until(request: HttpRequest) -> int:
    """Return until when those came that were counted: of later ones nobody has been asked."""
    text = request.POST.get("until", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refused(_("Nothing was done: it was not said which."))
    return int(text)


def _preview(model_admin: "QueueAdmin", request: HttpRequest, verb: str) -> TemplateResponse:
    shown = ListSelection.of(request.GET)._replace(page=1)
    context = page_context(model_admin, request, _title(verb))
    found: Listed[Waiting] | Listed[DeadLetter]
    try:
        with conf.broker().link("dashboard") as link:
            if verb == "withdraw":
                found = waiting_found(link, shown)
            else:
                found = Lists(link).dead(shown.wanted())
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    context.update(
        shown=shown,
        below="waiting" if verb == "withdraw" else "letters",
        number=len(found.rows),
        until=found.now,
        question=_question(verb, len(found.rows)),
        examples=[_named(row) for row in found.rows[:EXAMPLES]],
        more=max(0, len(found.rows) - EXAMPLES),
        fields=[(name, word) for name, word in shown._asdict().items() if name != "page"],
    )
    return TemplateResponse(request, "queueproxy/batch.html", context)


def _title(verb: str) -> str:
    words = {
        "withdraw": _("Withdraw all that match"),
        "discard": _("Discard all that match"),
        "replay": _("Run all that match again"),
    }
    return words[verb]


def _question(verb: str, number: int) -> str:
    if verb == "withdraw":
        text = ngettext(
            "Withdraw %d request? Its client gets 503 and may send it again.",
            "Withdraw %d requests? Their clients get 503 and may send them again.",
            number,
        )
    elif verb == "discard":
        text = ngettext(
            "Discard %d dead letter for good?", "Discard %d dead letters for good?", number
        )
    else:
        text = ngettext(
            "Run %d dead letter again, as it was sent?",
            "Run %d dead letters again, as they were sent, oldest first?",
            number,
        )
    return text % number


def _named(row: Waiting | DeadLetter) -> str:
    asked = row if isinstance(row, Waiting) else row.head
    return f"{asked.method} {asked.path}"
