"""Sees where a forked child would come back to threads and event loops that its parent alone has.

A fork copies one thread. What that thread does for another (a coroutine for the worker's thread
that waits for it, a view below asynchronous middleware, a function in a pool) would be done for
nobody in the child: its result is told to a future, and the thread then sleeps for good. So the
child ends as that future is told. And it ends where a coroutine comes back to its event loop: what
is ready to run there is the parent's, and so are the loop's descriptors.
"""

import asyncio
import concurrent.futures.thread
import sys
from asyncio import AbstractEventLoop, Task
from collections.abc import Callable
from concurrent.futures import Future
from types import FrameType
from typing import Any

import asgiref.current_thread_executor
from asgiref.sync import AsyncToSync
from django.http import HttpResponseBase

FAILED = 1  # exit status, as Python has it

End = Callable[[BaseException | int], None]
Running = tuple[AbstractEventLoop, Task[Any] | None]

# Code that tells a future how it has ended, and how to find the future among its variables. None of
# it is public; where it has changed, the event loop's end remains.
_TELLERS: dict[object, Callable[[dict[str, Any]], Future[Any]]] = {
    AsyncToSync.main_wrap.__code__: lambda variables: variables["call_result"],
    **{
        module._WorkItem.run.__code__: lambda variables: variables["self"].future
        for module in (concurrent.futures.thread, asgiref.current_thread_executor)
    },
}


def running_task() -> Running | None:
    """Return the event loop that runs in this thread, and its task; None where none runs.

    To be asked before the fork: in the child Python knows of no running loop.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop, asyncio.current_task(loop)


def end_on_return(running: Running | None, end: End) -> None:
    """Let `end` be called where this thread comes back; to be called in the child, by its fork.

    Args:
        running: what `running_task` said before the fork.
        end: ends the process with an exit status, or as an exception tells.
    """
    future = _innermost_future(sys._getframe())
    if future is not None:
        future.add_done_callback(lambda future: end(outcome_of(future)))
    if running is not None:
        loop, task = running
        getattr(loop, "_ready", []).clear()  # not uvloop's: it shows none
        loop.call_soon(lambda: end(FAILED if task is None else outcome_of(task)))


def _innermost_future(frame: FrameType | None) -> Future[Any] | None:
    while frame is not None:
        find = _TELLERS.get(frame.f_code)
        if find is not None:
            try:
                future = find(frame.f_locals)
            except (KeyError, AttributeError):
                return None
            return None if future.done() else future
        frame = frame.f_back
    return None


def outcome_of(future: Future[Any] | Task[Any]) -> BaseException | int:
    """Tell, as an exit status or an exception, how what a future is told of has ended."""
    if not future.done() or future.cancelled():
        return FAILED  # a coroutine that waits for what only its parent's loop could tell
    error = future.exception()
    if error is not None:
        return error
    result = future.result()
    return int(isinstance(result, HttpResponseBase) and result.status_code >= 500)
