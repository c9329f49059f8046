"""Sudden death, or a long faint, at the boundaries of a worker's work.

At random (CHAOS_CRASH_SHARE), or where a request's query asks for it: ``?kill=PLACE`` and
``?freeze=PLACE`` befall its first attempt. Places: claimed, entering, view, frames, before-settle,
settled; of what happens once also before-insert, inserted, before-update, before-commit, committed.
"""

import contextvars
import os
import random
import signal
import threading

from . import note

SHARE = float(os.environ.get("CHAOS_CRASH_SHARE", "0"))
SIGNALS = {b"kill": signal.SIGKILL, b"freeze": signal.SIGSTOP}


class _Request:
    """The request that this thread or task is about to run, or runs."""

    def __init__(self, head: bytes = b""):
        self.head = head


_request: contextvars.ContextVar[_Request] = contextvars.ContextVar("request")


def expect(head: bytes, attempt: int) -> None:
    """Look what the request about to be run by this thread, or in this task, asks for.

    Args:
        head: of its envelope, not verified yet.
    """
    _request.set(_Request(head if attempt == 1 else b""))


def at(place: str) -> None:
    """Die or faint here, if so asked, or by chance."""
    request = _request.get(None) or _Request()  # of a thread that a view started: none
    for word, number in SIGNALS.items():
        if b"%b=%b" % (word, place.encode()) in request.head:
            request.head = b""  # once is enough
            if number == signal.SIGKILL:
                note.note_death()
            # To this thread: one sent to the process may stop it a moment later, by another.
            signal.pthread_kill(threading.get_ident(), number)
    if SHARE and random.random() < SHARE:
        note.note_death()
        os.kill(os.getpid(), signal.SIGKILL)
