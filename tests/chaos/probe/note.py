"""Writes down that a view runs."""

import os
import threading
import time

from ..ledger import Execution, Writer

_of_thread = threading.local()


def expect(attempt: int) -> None:
    """The broker's count of the attempt this thread is about to run."""
    _of_thread.attempt = attempt


def note(nonce: str) -> str:
    """Write this execution down; ``attempt:token``, of which the token is no other execution's."""
    if not hasattr(_of_thread, "writer"):
        _of_thread.writer = Writer(os.environ["CHAOS_LEDGER"])
    token = f"{time.time_ns()}-{os.getpid()}-{threading.get_ident()}"
    _of_thread.writer.write(Execution(nonce, _of_thread.attempt, os.getpid(), token))
    return f"{_of_thread.attempt}:{token}"
