"""Sudden death, or a long faint, at the boundaries of a worker's work.

At random (CHAOS_CRASH_SHARE), or where a request's query asks for it: ``?kill=PLACE`` and
``?freeze=PLACE`` befall its first attempt. Places: claimed, entering, view, frames, before-settle,
settled.
"""

import os
import random
import signal
import threading

from . import note

SHARE = float(os.environ.get("CHAOS_CRASH_SHARE", "0"))
SIGNALS = {b"kill": signal.SIGKILL, b"freeze": signal.SIGSTOP}

_of_thread = threading.local()


def expect(head: bytes, attempt: int) -> None:
    """Look what the request about to be run by this thread asks for.

    Args:
        head: of its envelope, not verified yet.
    """
    _of_thread.head = head if attempt == 1 else b""


def at(place: str) -> None:
    """Die or faint here, if so asked, or by chance."""
    head = getattr(_of_thread, "head", b"")  # of a thread that a view started: none
    for word, number in SIGNALS.items():
        if b"%b=%b" % (word, place.encode()) in head:
            _of_thread.head = b""  # once is enough
            # To this thread: one sent to the process may stop it a moment later, by another.
            signal.pthread_kill(threading.get_ident(), number)
    if SHARE and random.random() < SHARE:
        note.note_death()
        os.kill(os.getpid(), signal.SIGKILL)
