"""Finds how this program was called, so that it can be called again as freshly as then."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

PARENT_FD_VARIABLE = "QUEUEPROXY_PARENT_FD"
READY_FD_VARIABLE = "QUEUEPROXY_READY_FD"


def directory() -> str:
    """Return the working directory by the name it was reached by, symbolic links and all.

    The kernel knows what a link led to when the program started; a deploy that points the link
    elsewhere means processes started from then on. Its name is told by ``$PWD``, or by a program
    called with its full path; where neither leads here it is the kernel's.
    """
    here = os.getcwd()
    for called in (os.environ.get("PWD", ""), str(Path(sys.argv[0]).parent)):
        if os.path.isabs(called) and _same(called, here):
            return called
    return here


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def this_program() -> list[str]:
    """Find what management commands are given to: a script, or a module named by ``python -m``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is None:
        return [sys.executable, sys.argv[0]]
    return [sys.executable, "-m", spec.name.removesuffix(".__main__")]


def parent_pipe() -> int | None:
    """Open the pipe that closes with the process that started this one; None without one."""
    return _inherited(PARENT_FD_VARIABLE)


def ready_pipe() -> int | None:
    """Open the pipe for `tell_ready`; None where nobody reads it."""
    return _inherited(READY_FD_VARIABLE)


def _inherited(variable: str) -> int | None:
    """Take over a descriptor that the environment names; what this process starts has neither."""
    told = os.environ.pop(variable, None)
    if told is None:
        return None
    os.set_inheritable(int(told), False)
    return int(told)


def tell_ready(pipe: int | None) -> None:
    """Tell the process that started this one that it serves from now on.

    Args:
        pipe: of `ready_pipe`.
    """
    if pipe is None:
        return
    with suppress(BrokenPipeError):
        os.write(pipe, b".")
    os.close(pipe)


def end_with_parent(pipe: int) -> None:
    """Send this process SIGTERM when the process that started it has ended.

    Args:
        pipe: of `parent_pipe`.
    """

    def wait() -> None:
        os.read(pipe, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent watch", daemon=True).start()
