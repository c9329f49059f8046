"""Writes down that a view runs, and other things that only this process knows."""

import contextvars
import os
import threading
import time

from ..ledger import DIED, FAINTED, IN_CHILD, Execution, Mark, Writer

_of_thread = threading.local()
_attempt: contextvars.ContextVar[int] = contextvars.ContextVar("attempt")
_worker = 0  # process id of the worker


def this_is_the_worker() -> None:
    """To be called in the worker process itself, before any view is run."""
    global _worker
    _worker = os.getpid()


def expect(attempt: int) -> None:
    """The broker's count of the attempt about to be run by this thread, or in this task."""
    _attempt.set(attempt)


def note(nonce: str) -> str:
    """Write this execution down; ``attempt:token``, of which the token is no other execution's."""
    pid = os.getpid()
    token = f"{time.time_ns()}-{pid}-{threading.get_ident()}"
    if pid != _worker:
        token = IN_CHILD + token
    _writer().write(Execution(nonce, _attempt.get(), pid, token))
    return f"{_attempt.get()}:{token}"


def note_death(place: str) -> None:
    """Write down that this process is about to be killed."""
    _write_mark(DIED, place)


def note_faint(place: str) -> None:
    """Write down that this process is about to be stopped."""
    _write_mark(FAINTED, place)


def _write_mark(what: str, place: str) -> None:
    _writer().write(Execution(what, 0, os.getpid(), str(Mark(place, time.monotonic()))))


def _writer() -> Writer:
    # A forked child needs its own, and must not close its parent's.
    writers = _of_thread.__dict__.setdefault("writers", {})
    if os.getpid() not in writers:
        writers[os.getpid()] = Writer(os.environ["CHAOS_LEDGER"])
    return writers[os.getpid()]
