"""Runs the request of a dead letter in this process, its view under the debugger.

Nothing goes through the broker: what it does to databases it does here, and the letter is kept.
"""

import asyncio
import bdb
import pdb
import traceback
from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction, unwrap
from types import CodeType, FrameType
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from .. import conf
from ..broker.operate.listed import DeadLetter
from ..broker.operate.replay import CannotReplay, verified
from ..worker.executor import Executor, keeping_handler

View = Callable[..., HttpResponseBase]
Run = Callable[..., HttpResponseBase]


class _ViewDebugger(pdb.Pdb):
    """Stops for the first time in the view itself, not in what decorates it.

    Args:
        code: of the view; None to stop in whatever comes first.
    """

    def __init__(self, code: CodeType | None):
        super().__init__()
        self._awaited = code

    def user_call(self, frame: FrameType, argument_list: None) -> None:
        if self._awaited is None:
            super().user_call(frame, argument_list)

    def user_line(self, frame: FrameType) -> None:
        if frame.f_code is self._awaited:
            self._awaited = None
        if self._awaited is None:
            super().user_line(frame)

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        if self._awaited is None:
            super().user_return(frame, return_value)

    def user_exception(self, frame: FrameType, exc_info: Any) -> None:
        if self._awaited is None:
            super().user_exception(frame, exc_info)


def _code_of(view: View, method: str | None) -> CodeType | None:
    """Find what a view does for a method, below its decorators; None where that can't be told."""
    function: Any = unwrap(view)
    of_class = getattr(function, "view_class", None)
    if of_class is not None:
        function = getattr(of_class, (method or "GET").lower(), None) or of_class.dispatch
    return getattr(unwrap(function), "__code__", None)


def under_debugger(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """Call a view step by step, from its first line on, and stay where it fails."""
    debugger = _ViewDebugger(_code_of(view, request.method))
    try:
        return debugger.runcall(view, request, *args, **kwargs) or HttpResponse(status=500)
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


def _in_this_thread(view: Callable[..., Coroutine[Any, Any, HttpResponseBase]]) -> View:
    """Make it run on an event loop of this thread: in another no debugger follows it."""

    @wraps(view)
    def called(*args: Any, **kwargs: Any) -> HttpResponseBase:
        return asyncio.run(view(*args, **kwargs))

    return called


def _have_views_called_by(run: Run, handler: WSGIHandler) -> None:
    """Have `run` call each view, behind all that a middleware does before it."""

    def call(
        request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase:
        atomic = handler.make_view_atomic(view)
        if iscoroutinefunction(atomic):
            atomic = _in_this_thread(atomic)
        return run(atomic, request, *args, **kwargs)

    views: list[object] = handler._view_middleware  # type: ignore[attr-defined]  # its own
    views.append(call)
