"""A worker as a process of its own: its supervisor's pipe, signals, forks, and exit handlers."""

import logging
import os
import select
import signal
import sys
import threading
import time

from .boot_log import OwnStderr
from .forking import guard_forks, keep_from_children, on_signal
from .process import Worker
from .process_words import FORCED, SERVING, STANDBY, STATUS_FD_VARIABLE

logger = logging.getLogger("queueproxy.worker")

LEAST_FOR_EXIT = 1.0  # seconds for exit handlers, however long the last requests took


class StatusPipe:
    """Tells the supervisor worker ids, SERVING and GOODBYE, a line each.

    Args:
        descriptor: the writing end; the supervisor has the other.
    """

    def __init__(self, descriptor: int):
        self._stderr = OwnStderr()
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        keep_from_children(self)

    def write(self, word: str) -> None:
        """Tell it; nothing happens where nobody supervises any more.

        Whoever is ready writes its log itself from then on.
        """
        if word in (SERVING, STANDBY):
            self._stderr.restore()
        try:
            os.write(self._descriptor, f"{word}\n".encode())
        except BrokenPipeError:
            pass  # this worker is about to stop

    def until_broken(self) -> None:
        """Return when the supervisor is gone: its end closes with it."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLERR)
        poll.poll()

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


def status_pipe() -> StatusPipe | None:
    """Open the pipe to the supervisor that started this process; None where none did.

    To be called first of all: what the project's code forks from now on is kept apart.
    """
    told = os.environ.pop(STATUS_FD_VARIABLE, None)
    if told is None:
        return None
    guard_forks()
    return StatusPipe(int(told))


def serve(worker: Worker, status: StatusPipe) -> int:
    """Run a worker in this process until a signal or its supervisor's end; the exit status.

    Return it to the interpreter: exit handlers (``atexit``, ``logging.shutdown``) are given what
    is left of the graceful timeout. Where a view still runs there is no return: the interpreter
    would wait for its thread.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        on_signal(number, worker.stop)
    # Not SIG_IGN, which programs that a view executes would inherit.
    on_signal(signal.SIGHUP, lambda: None)
    threading.Thread(target=_stop_with_supervisor, args=(status, worker), daemon=True).start()
    exit_status = worker.run()
    if exit_status == FORCED:
        end_now(FORCED)
    seconds = max(LEAST_FOR_EXIT, worker.stop_by - time.monotonic())
    threading.Thread(target=_end_after, args=(seconds,), daemon=True).start()
    return exit_status


def _stop_with_supervisor(status: StatusPipe, worker: Worker) -> None:
    status.until_broken()
    worker.stop()


def _end_after(seconds: float) -> None:
    time.sleep(seconds)
    logger.warning(
        "Exit handlers, or threads that are no daemons, still ran after the graceful timeout; "
        "the process ends without them."
    )
    end_now(FORCED)


def end_now(status: int) -> None:
    """End without exit handlers."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
