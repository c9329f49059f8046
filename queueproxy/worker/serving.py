"""A worker as a process of its own: signals, its supervisor's end, and exit handlers."""

import logging
import signal
import threading
import time

from .ending import end_now
from .forking import on_signal
from .process import Worker
from .process_words import FORCED
from .status_pipe import StatusPipe

logger = logging.getLogger("queueproxy.worker")

LEAST_FOR_EXIT = 1.0  # seconds for exit handlers, however long the last requests took


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
    status.when_broken(worker.stop)
    exit_status = worker.run()
    if exit_status == FORCED:
        end_now(FORCED)
    seconds = max(LEAST_FOR_EXIT, worker.stop_by - time.monotonic())
    threading.Thread(target=_end_after, args=(seconds,), daemon=True).start()
    return exit_status


def _end_after(seconds: float) -> None:
    time.sleep(seconds)
    logger.warning(
        "Exit handlers, or threads that are no daemons, still ran after the graceful timeout; "
        "the process ends without them."
    )
    end_now(FORCED)
