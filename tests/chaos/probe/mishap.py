"""Sudden death, or a long faint, at the boundaries of a worker's work.

At random (CHAOS_CRASH_SHARE), or where a request's query asks for it: ``?kill=PLACE`` and
``?freeze=PLACE`` befall its first attempt, ``?then-kill=PLACE`` and ``?then-freeze=PLACE`` its
second. Places: claimed, entering, view, frames, before-settle, settled; of what happens once also
before-insert, inserted, written, before-update, before-commit, in-commit, committed, replay.
"""

import contextvars
import os
import random
import signal
import threading
import time

from . import note

SHARE = float(os.environ.get("CHAOS_CRASH_SHARE", "0"))
# By attempt: what a query asks for, and by which signal it comes.
WORDS = {
    1: {b"kill": signal.SIGKILL, b"freeze": signal.SIGSTOP},
    2: {b"then-kill": signal.SIGKILL, b"then-freeze": signal.SIGSTOP},
}


class _Request:
    """The request that this thread or task is about to run, or runs.

    Args:
        head: of its envelope, not verified yet.
        attempt: to run it.
    """

    def __init__(self, head: bytes = b"", attempt: int = 0):
        self.head = head
        self._words = WORDS.get(attempt, {})

    def asks(self, place: str) -> signal.Signals | None:
        """What it wants here; once is enough."""
        for word, number in self._words.items():
            if b"%b=%b" % (word, place.encode()) in self.head:
                self.head = b""
                return number
        return None


_request: contextvars.ContextVar[_Request] = contextvars.ContextVar("request")


def expect(head: bytes, attempt: int) -> None:
    """Look what the request about to be run by this thread, or in this task, asks for.

    Args:
        head: of its envelope, not verified yet.
    """
    _request.set(_Request(head, attempt))


def at(place: str) -> None:
    """Die or faint here, if so asked, or by chance."""
    number = _asked(place)
    if number == signal.SIGKILL:
        note.note_death(place)
        os.kill(os.getpid(), number)
    elif number == signal.SIGSTOP:
        note.note_faint(place)
        # To this thread: one sent to the process may stop it a moment later, by another.
        signal.pthread_kill(threading.get_ident(), number)


def within(place: str, seconds: float) -> None:
    """Die at some moment of what comes next, if so asked, or by chance.

    Args:
        seconds: it takes about so long.
    """
    if _asked(place) == signal.SIGKILL:
        note.note_death(place)
        threading.Thread(target=_die_in, args=(random.random() * seconds,)).start()


def _die_in(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def _asked(place: str) -> signal.Signals | None:
    request = _request.get(None) or _Request()  # of a thread that a view started: none
    by_chance = SHARE and random.random() < SHARE
    return request.asks(place) or (signal.SIGKILL if by_chance else None)
