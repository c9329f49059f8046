"""What can be done: each a POST with a CSRF token, a permission of its own and a log entry."""

import asyncio
from functools import wraps

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from .. import conf
from ..broker.control import Control
from ..broker.retry import CannotRetry, run_again
from ..exceptions import BrokerUnavailable
from ..models import Queue
from .broker import broker_link

PAUSE_FOR = 30.0  # seconds, where the form names none
LONGEST = 3600.0
REASON = 200  # characters


def action(permission: str):
    """Make a view of a function that acts and returns what to say."""

    def decorate(act):
        @wraps(act)
        def view(model_admin, request, **kwargs):
            if not request.user.has_perm(f"queueproxy.{permission}"):
                raise PermissionDenied
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            try:
                with broker_link() as link:
                    said = act(request, Control(link), **kwargs)
            except Refused as refused:
                messages.error(request, str(refused))
            except BrokerUnavailable as error:
                messages.error(request, _("The broker can't be reached: %s") % error)
            else:
                messages.success(request, said)
                _log(request, said)
            return redirect("admin:queueproxy_queue_changelist")

        return view

    return decorate


class Refused(Exception):
    """Nothing was done; the text says why."""


@action("control_queue")
def pause(request, control: Control) -> str:
    """Pause one queue or all."""
    queues = _queues(request)
    seconds = _seconds(request)
    reason = request.POST.get("reason", "")[:REASON]
    control.pause(queues, seconds, by=request.user.get_username(), reason=reason)
    return _("Paused %(queues)s for at most %(seconds)d s.") % {
        "queues": ", ".join(queues),
        "seconds": seconds,
    }


@action("control_queue")
def resume(request, control: Control) -> str:
    """Resume one queue or all."""
    resumed = control.resume(_queues(request))
    if not resumed:
        raise Refused(_("Nothing was paused."))
    return _("Resumed %s.") % ", ".join(resumed)


@action("control_queue")
def withdraw(request, control: Control) -> str:
    """Take one waiting request off."""
    queue, entry = request.POST.get("queue", ""), request.POST.get("entry", "")
    if queue not in conf.get_settings().all_queues or not control.turn_away(queue, entry):
        raise Refused(_("That request no longer waits."))
    return _("The request was withdrawn; its client was told.")


@action("manage_dead_letters")
def retry(request, control: Control, id: str) -> str:
    """Run a dead letter again and wait for its answer."""
    letter = control.dead_letter(id)
    if letter is None:
        raise Refused(_("There is no such dead letter."))
    settings = conf.get_settings()
    try:
        status = asyncio.run(
            run_again(
                letter,
                target=conf.broker_target(),
                namespace=settings.namespace,
                queues=settings.all_queues,
                secrets=conf.signing_secrets(),
                lease=settings.lease,
                hold=settings.max_hold / 2,
            )
        )
    except CannotRetry as error:
        raise Refused(str(error)) from error
    control.discard(id)
    return _("%(method)s %(path)s was run again and answered %(status)d.") % {
        "method": letter.head.get("method", "?"),
        "path": letter.head.get("path", "?"),
        "status": status,
    }


@action("manage_dead_letters")
def discard(request, control: Control, id: str) -> str:
    """Delete a dead letter."""
    if not control.discard(id):
        raise Refused(_("There is no such dead letter."))
    return _("The dead letter was discarded.")


def _queues(request) -> tuple[str, ...]:
    known = tuple(conf.get_settings().queues)
    name = request.POST.get("queue", "")
    if name and name not in known:
        raise Refused(_("There is no queue %r.") % name)
    return (name,) if name else known


def _seconds(request) -> float:
    text = request.POST.get("seconds") or str(PAUSE_FOR)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= LONGEST:
        raise Refused(_("A pause lasts from 1 to %d seconds.") % LONGEST)
    return seconds


def _log(request, said: str) -> None:
    LogEntry.objects.create(
        user_id=request.user.pk,
        content_type=ContentType.objects.get_for_model(Queue, for_concrete_model=False),
        object_id=None,
        object_repr="Queue",
        action_flag=CHANGE,
        change_message=said,
    )
