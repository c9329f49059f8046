"""Runs the request of a dead letter in this process, its view under the debugger.

Nothing goes through the broker: what it does to databases it does here, and the letter is kept.
"""

import bdb
import pdb
import traceback
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from .. import conf
from ..broker.operate.listed import DeadLetter
from ..broker.operate.replay import CannotReplay, verified
from ..worker.executor import Executor, keeping_handler

View = Callable[..., HttpResponseBase]
Run = Callable[..., HttpResponseBase]


def under_debugger(view: View, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """Call a view step by step, and stay where it fails."""
    try:
        return pdb.Pdb().runcall(view, *args, **kwargs) or HttpResponse(status=500)
    except bdb.BdbQuit:
        return HttpResponse("The debugger was left.", status=500)
    except Exception as error:
        traceback.print_exception(error)
        pdb.post_mortem(error.__traceback__)
        raise


def debug(letter: DeadLetter, run: Run = under_debugger) -> int:
    """Run it; the status that it is answered with.

    Args:
        run: calls the view.

    Raises:
        CannotReplay: it is not whole, not ours, or is to happen once, which only a worker sees to.
    """
    codec = conf.broker().codec(conf.signing_secrets())
    envelope = verified(letter, codec, 0.0, conf.get_settings().keep_executions)
    if envelope.head.fenced:
        raise CannotReplay("It is to happen once: only a worker sees to that.")
    handler = keeping_handler()
    executor = Executor(handler)
    _have_views_called_by(run, handler)
    exchange = executor.respond(envelope)
    try:
        return exchange.answer().status
    finally:
        exchange.close()


def _have_views_called_by(run: Run, handler: WSGIHandler) -> None:
    """Have `run` call each view, behind all that a middleware does before it."""

    def call(
        request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase:
        atomic = handler.make_view_atomic(view)
        if iscoroutinefunction(atomic):
            atomic = async_to_sync(atomic)
        return run(atomic, request, *args, **kwargs)

    views: list[object] = handler._view_middleware  # type: ignore[attr-defined]  # its own
    views.append(call)
