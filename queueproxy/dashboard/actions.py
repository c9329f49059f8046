"""Acts for the page: each action a POST with a CSRF token, a permission and a log entry."""

import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from .. import conf
from ..broker.link.links import Link
from ..broker.observe.reader import SnapshotReader
from ..broker.operate.control import LONGEST_PAUSE, SHORTEST_PAUSE, Control, longest_safe_pause
from ..broker.operate.releases import Activated, Releases
from ..broker.operate.replay import CannotReplay
from ..broker.own_release import is_release_name
from ..exceptions import BrokerUnavailable, SchemaMismatch
from ..models import Queue
from .chart_selection import ChartSelection
from .list_selection import LISTS, ListSelection
from .pages import page_context
from .releases import KEPT_MOST, KEPT_UNLESS_TOLD
from .replay import NotNow, replay_now

if TYPE_CHECKING:
    from ..admin import QueueAdmin

SLOWEST, FASTEST = 0.01, 10_000.0  # requests a second of a resume
REASON = 200  # characters
ENTRY = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")  # of a stream; of more Redis makes an error


class Refused(Exception):
    """Nothing was done; the text says why."""


class Failed(Exception):
    """Something was tried and did not come true; the text says what is known."""


Act = Callable[..., str]
View = Callable[..., HttpResponse]


def action(permission: str) -> Callable[[Act], View]:
    """Make a view of a function that acts and returns what to say."""

    def decorate(act: Act) -> View:
        @wraps(act)
        def view(model_admin: "QueueAdmin", request: HttpRequest, **kwargs: str) -> HttpResponse:
            if not request.user.has_perm(f"queueproxy.{permission}"):
                raise PermissionDenied
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if "confirm" in request.POST and "sure" not in request.POST:
                return _ask(model_admin, request)
            _do(act, request, kwargs)
            return redirect(_where_it_came_from(request))

        return view

    return decorate


def _ask(model_admin: "QueueAdmin", request: HttpRequest) -> HttpResponse:
    """Put the question of a button to a person whose browser did not."""
    context = page_context(model_admin, request, _("Are you sure?"))
    said = request.POST.items()
    context.update(
        question=request.POST["confirm"],
        fields=[(name, text) for name, text in said if name != "csrfmiddlewaretoken"],
        back=_where_it_came_from(request),
        below="queue",
    )
    return TemplateResponse(request, "queueproxy/sure.html", context)


def _where_it_came_from(request: HttpRequest) -> str:
    query = QueryDict(request.POST.get("back", ""))
    page = request.POST.get("page", "")
    if page in LISTS:
        return f"{reverse(f'admin:queueproxy_queue_{page}')}?{ListSelection.of(query).query}"
    shown = ChartSelection.of(query)
    return f"{reverse('admin:queueproxy_queue_changelist')}?{shown.query}"


def _do(act: Act, request: HttpRequest, kwargs: dict[str, str]) -> None:
    try:
        with conf.broker().link("dashboard") as link:
            said = act(request, link, **kwargs)
    except Refused as refused:
        messages.error(request, str(refused))
    except BrokerUnavailable as error:
        messages.error(request, _("The broker can't be reached: %s") % error)
    except SchemaMismatch as error:
        messages.error(request, str(error))
    except Failed as failed:
        messages.error(request, str(failed))
        _log(request, str(failed))
    else:
        messages.success(request, said)
        _log(request, said)


@action("control_queue")
def pause(request: HttpRequest, link: Link) -> str:
    """Pause one queue or all."""
    queues = _queues(request)
    wanted = _number(request, "seconds", SHORTEST_PAUSE, LONGEST_PAUSE)
    settings = conf.get_settings()
    snapshot = SnapshotReader(link, settings.all_queues).snapshot()
    safe = longest_safe_pause(snapshot, queues, settings.max_hold)
    seconds = wanted or safe
    reason = request.POST.get("reason", "")[:REASON]
    Control(link).pause(queues, seconds, by=request.user.get_username(), reason=reason)
    if seconds > safe:
        text = _("Clients that wait now are turned away after about %d s.")
        messages.warning(request, text % safe)
    said = _("Paused %(queues)s for at most %(seconds)d s.")
    said %= {"queues": ", ".join(queues), "seconds": seconds}
    return f"{said} {reason}".rstrip()


@action("control_queue")
def resume(request: HttpRequest, link: Link) -> str:
    """Resume one queue or all, at a rate where one is given."""
    rate = _number(request, "rate", SLOWEST, FASTEST)
    control, queues = Control(link), _queues(request)
    resumed = control.resume(queues, rate=rate)
    holds = sorted({pause.by for pause in control.pauses(queues) if pause.hold})
    if holds:
        text = _("The hold of %s goes on: it ends with its command.")
        messages.warning(request, text % ", ".join(holds))
    if not resumed:
        raise Refused(_("Nothing was paused."))
    if rate is None:
        return _("Resumed %s.") % ", ".join(resumed)
    text = _("Resumed %(queues)s at %(rate)g a second.")
    return text % {"queues": ", ".join(resumed), "rate": rate}


@action("control_queue")
def withdraw(request: HttpRequest, link: Link) -> str:
    """Take one waiting request off."""
    queue, _space, entry = request.POST.get("request", "").partition(" ")
    control = Control(link)
    known = queue in conf.get_settings().queues and ENTRY.fullmatch(entry)
    found = control.waiting_at(queue, entry) if known else None
    if found is None or not control.operator_withdraw(queue, entry):
        raise Refused(_("That request no longer waits."))
    text = _("%(method)s %(path)s was withdrawn; its client was told.")
    return text % {"method": found.method, "path": found.path}


@action("manage_dead_letters")
def replay(request: HttpRequest, link: Link, id: str) -> str:
    """Run a dead letter again and wait for its answer."""
    letter = Control(link).dead_letter(id)
    if letter is None:
        raise Refused(_("There is no such dead letter."))
    what = f"{letter.head.method} {letter.head.path}"
    try:
        status = replay_now(link, letter, request)
    except NotNow as error:
        raise Refused(f"{what}: {error}") from error
    except CannotReplay as error:
        raise Failed(f"{what}: {error}") from error
    text = _("%(what)s was run again and answered %(status)d.")
    return text % {"what": what, "status": status}


@action("manage_dead_letters")
def discard(request: HttpRequest, link: Link, id: str) -> str:
    """Delete a dead letter."""
    if not ENTRY.fullmatch(id) or not Control(link).discard(id):
        raise Refused(_("There is no such dead letter."))
    return _("The dead letter %s was discarded.") % id


@action("manage_releases")
def activate(request: HttpRequest, link: Link) -> str:
    """Let one release serve in place of the one that was active as the person decided."""
    wanted = request.POST.get("to", "")
    if not is_release_name(wanted):
        raise Refused(_("There is no such release."))
    return _activated(wanted, _exchange(request, link, wanted))


@action("manage_releases")
def roll_back(request: HttpRequest, link: Link) -> str:
    """Let the release before serve again."""
    snapshot = SnapshotReader(link, conf.get_settings().all_queues).snapshot()
    before = next((release.name for release in snapshot.releases if release.previous), None)
    if before is None:
        raise Refused(_("No release was active before: there is none to roll back to."))
    if before != request.POST.get("to", ""):
        raise Refused(_("The release before is another meanwhile: %s. Nothing was done.") % before)
    said = _activated(before, _exchange(request, link, before))
    return _("Rolled back. %s") % said


def _exchange(request: HttpRequest, link: Link, wanted: str) -> Activated:
    minutes = _number(request, "keep", 1, KEPT_MOST) or KEPT_UNLESS_TOLD
    instead_of = request.POST.get("instead_of", "")
    return Releases(link).activate(wanted, keep=minutes * 60, instead_of=instead_of)


def _activated(wanted: str, done: Activated) -> str:
    """Say what was done.

    Raises:
        Refused: nothing was.
    """
    words = {"wanted": wanted, "active": done.active, "previous": done.previous}
    if done.what != "done" and done.active == wanted:
        raise Refused(_("Release %(wanted)s is active already.") % words)
    if done.what == "no_worker":
        raise Refused(_("No worker of %(wanted)s is ready. Nothing was done.") % words)
    if done.what == "changed" and not done.active:
        raise Refused(_("No release is active any more. Nothing was done."))
    if done.what == "changed":
        text = _("Somebody has activated %(active)s meanwhile. Nothing was done.")
        raise Refused(text % words)
    if not done.previous:
        return _("Release %(wanted)s is active.") % words
    return _("Release %(wanted)s is active; %(previous)s stands by.") % words


def _queues(request: HttpRequest) -> tuple[str, ...]:
    known = tuple(conf.get_settings().queues)
    name = request.POST.get("queue", "")
    if name and name not in known:
        raise Refused(_("There is no queue %r.") % name)
    return (name,) if name else known


def _number(request: HttpRequest, name: str, least: float, most: float) -> float | None:
    """Parse a number in these bounds; None where the form has none."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not least <= number <= most:
        bounds = {"text": text[:20], "least": least, "most": most}
        raise Refused(_("%(text)r is not a number from %(least)g to %(most)d.") % bounds)
    return number


def _log(request: HttpRequest, said: str) -> None:
    LogEntry.objects.create(
        user_id=request.user.pk,  # type: ignore[misc]  # who may act has signed in
        content_type=ContentType.objects.get_for_model(Queue, for_concrete_model=False),
        object_id=None,
        object_repr="Queue",
        action_flag=CHANGE,
        change_message=said,
    )
