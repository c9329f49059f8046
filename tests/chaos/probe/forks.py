"""Ways in which a view may fork, and its child come back."""

import multiprocessing
import os
import signal
import sys
import time

WITHIN = 10.0  # seconds a child has to end


def _exits() -> None:
    if not (child := os.fork()):
        sys.exit(0)
    _wait_for(child)


def _returns() -> None:
    if child := os.fork():
        _wait_for(child)


def _raises() -> None:
    if not (child := os.fork()):
        raise RuntimeError("of a child")
    _wait_for(child)


def _is_terminated() -> None:
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    child.terminate()
    child.join(WITHIN)
    if child.is_alive():
        child.kill()
        raise RuntimeError("a child of multiprocessing did not end by SIGTERM")


def _wait_for(child: int) -> None:
    deadline = time.monotonic() + WITHIN
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError("a forked child did not end")
        time.sleep(0.01)


WAYS = {"exit": _exits, "return": _returns, "raise": _raises, "process": _is_terminated}
