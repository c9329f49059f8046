"""Lets a process that the project's code forks take nothing along from its worker.

A forked child is a copy: it has the worker's connections to the broker, the pipes of its signals
and of its supervisor, and its signal handlers. If it used them, two processes would read one
answer; a SIGTERM meant for the child would wake its parent for ever; a daemon would keep open what
others watch. And a view's child that returns, or raises SystemExit, comes back into the loop that
takes requests. Programs that are executed (subprocess) are given none of it anyway: no descriptor
of ours is inheritable.
"""

import logging
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Protocol

from ..broker.handle import close_links
from .ending import end_now
from .returning_child import FAILED, end_on_return, running_task

logger = logging.getLogger("queueproxy.worker")

# As Python starts; SIG_DFL for others.
DEFAULTS: dict[int, Callable[[int, FrameType | None], object]] = {
    signal.SIGINT: signal.default_int_handler
}


class Closable(Protocol):
    """Something whose `close` gives back its descriptors, and is felt in this process alone."""

    def close(self) -> None: ...


class _Process:
    """Knows what is this process's own."""

    def __init__(self) -> None:
        self.guarded = False
        self.is_child = False
        self.signals: set[int] = set()
        self.own: weakref.WeakSet[Closable] = weakref.WeakSet()


_process = _Process()
_forking = threading.local()  # of a thread between before and after


def guard_forks() -> None:
    """Let forked children of this process let go of what is its own, from now on."""
    if not _process.guarded:
        _process.guarded = True
        os.register_at_fork(
            before=_block_signals, after_in_parent=_unblock_signals, after_in_child=_let_go
        )


def keep_from_children(own: Closable) -> None:
    """To be closed in a forked child; forgotten once nobody else knows it."""
    _process.own.add(own)


def on_signal(number: int, action: Callable[[], None]) -> None:
    """Call `action` at each such signal; forked children have Python's own handler again."""
    _process.signals.add(number)
    signal.signal(number, lambda *_: action())


# A signal that finds a child with its parent's handler is lost: Python forgets it after the fork.
# Blocked, it waits until the child has its own.


def _block_signals() -> None:
    _forking.running = running_task()
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _process.signals)


def _unblock_signals() -> None:
    _forking.running = None
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _let_go() -> None:
    try:
        if not _process.is_child:  # what a child's child has is the child's
            _process.is_child = True
            _forget_worker()
            end_on_return(_forking.running, end_forked_child)
    finally:
        _unblock_signals()


def _forget_worker() -> None:
    for number in _process.signals:
        signal.signal(number, DEFAULTS.get(number, signal.SIG_DFL))
    signal.set_wakeup_fd(-1)
    for own in list(_process.own):
        own.close()
    close_links()


def end_forked_child(outcome: BaseException | int = 0) -> None:
    """End this process where it is a forked child; nothing happens in the worker itself.

    To be called where a view comes back: a child has nobody to answer to.

    Args:
        outcome: its exit status, or the exception that tells it.
    """
    if not _process.is_child:
        return
    status = outcome if isinstance(outcome, int) else _status_of(outcome)
    if not isinstance(outcome, SystemExit):
        logger.warning(
            "A process that a view had forked came back out of its view; it ends with status %d.",
            status,
        )
    end_now(status)


def _status_of(error: BaseException) -> int:
    """Tell the exit status the interpreter would have."""
    if not isinstance(error, SystemExit):
        logger.error("A process that a view had forked failed", exc_info=error)
        return FAILED
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    with suppress(OSError, ValueError):
        print(error.code, file=sys.stderr)
    return FAILED
