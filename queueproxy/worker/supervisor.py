"""Starts, counts and replaces worker processes; deals at once with what a dead one held."""

import logging
import math
import os
import select
import signal
import time
from collections.abc import Callable, Sequence

from ..wording import count_text, requests_text
from .adopted import reap_adopted
from .child_process import ChildProcess
from .process import CANNOT_START
from .reload import Reload
from .restart_backoff import RestartBackoff

logger = logging.getLogger("queueproxy.worker")

LOOK_EVERY = 0.2  # seconds; a signal or a child's end wakes the supervisor earlier


class Supervisor:
    """Keeps `processes` workers running until stopped.

    Args:
        command: starts one worker process.
        processes: how many.
        graceful_timeout: seconds a process may take to drain before it is killed.
        reap: told the id of each worker that died; gives back what it held, and tells what.
        burst: don't start anew what ended well; return when all have.
        directory: where processes are started; None for here.
        parent: descriptor of a pipe that is closed when this supervisor is to drain; None for none.
    """

    def __init__(
        self,
        command: Sequence[str],
        processes: int,
        *,
        graceful_timeout: float,
        reap: Callable[[str], list[dict]],
        burst: bool = False,
        directory: str | None = None,
        parent: int | None = None,
    ):
        self._command = command
        self._wanted = processes
        self._graceful_timeout = graceful_timeout
        self._reap = reap
        self._burst = burst
        self._directory = directory
        self._children: list[ChildProcess] = []
        self._stops = 0  # signals to stop
        self._stopping = False
        self._killed = False
        self._reload_asked = False
        self._reload: Reload | None = None
        self._restarts = RestartBackoff()
        self._ever_served = False
        self._wake_reading, self._wake_writing = os.pipe()
        self._watched = [self._wake_reading, *([] if parent is None else [parent])]
        self._status = 0

    def run(self) -> int:
        """Supervise; the exit status."""
        self._listen_to_signals()
        for _ in range(self._wanted):
            self._start()
        while self._children or not (self._stopping or self._burst):
            self._sleep()
            self._obey()
            self._look_after_children()
            if self._reload is not None:
                self._go_on_with_reload()
            if not self._stopping and not self._burst:
                self._adjust()
        logger.info("All worker processes have ended; exit status %d.", self._status)
        return self._status

    # Signals

    def _listen_to_signals(self) -> None:
        os.set_blocking(self._wake_writing, False)
        os.set_blocking(self._wake_reading, False)
        signal.set_wakeup_fd(self._wake_writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        signal.signal(signal.SIGTTIN, lambda *_: self._want(+1))
        signal.signal(signal.SIGTTOU, lambda *_: self._want(-1))
        signal.signal(signal.SIGCHLD, lambda *_: None)

    # Handlers only note: what they interrupt may be in the middle of a log line or of a start.

    def _on_stop(self, *_) -> None:
        self._stops += 1

    def _on_reload(self, *_) -> None:
        self._reload_asked = True

    def _want(self, more: int) -> None:
        self._wanted = max(1, self._wanted + more)

    def _sleep(self) -> None:
        ready, _, _ = select.select(self._watched, [], [], LOOK_EVERY)
        for descriptor in ready:
            if descriptor == self._wake_reading:
                os.read(descriptor, 4096)
            else:
                self._watched.remove(descriptor)
                logger.warning("Who started this supervisor has gone; it ends too.")
                self._stops = max(1, self._stops)

    def _obey(self) -> None:
        if self._stops and not self._stopping:
            self._drain()
        if self._stops > 1 and not self._killed:
            self._killed = True
            logger.warning("Told again to stop: worker processes are killed.")
            for child in self._children:
                child.signal(signal.SIGKILL)
        if self._reload_asked and self._reload is None and not self._stopping:
            self._reload_asked = False
            self._reload = Reload([child for child in self._children if not child.told_to_stop])
            number = count_text(len(self._reload.left), "worker process", "worker processes")
            logger.info(
                "Reload: fresh code from %s for %s.", self._directory or os.getcwd(), number
            )

    def _drain(self) -> None:
        self._stopping = True
        self._reload = None
        number = count_text(len(self._children), "worker process", "worker processes")
        logger.info(
            "Draining: %s, %g s at most; told again to stop, they are killed.",
            number,
            self._graceful_timeout,
        )
        for child in self._children:
            child.stop(self._graceful_timeout)

    # Children

    def _start(self) -> ChildProcess | None:
        try:
            child = ChildProcess(self._command, self._directory)
        except OSError as error:
            pause = self._restarts.died(0.0, served=False)
            logger.error(
                "A worker process can't be started: %s. Trying again in %d s.",
                error,
                math.ceil(pause),
            )
            return None
        self._children.append(child)
        return child

    def _look_after_children(self) -> None:
        for child in list(self._children):
            child.read_status()
            self._ever_served |= child.serving
            status = child.process.poll()
            if status is not None:
                self._bury(child, status)
            else:
                child.kill_if_late()
        reap_adopted({child.process.pid for child in self._children})

    def _bury(self, child: ChildProcess, status: int) -> None:
        self._children.remove(child)
        child.read_status()
        child.close()
        if status == 0 and child.said_goodbye:
            return
        held = self._reap(child.worker) if child.worker else []
        if held or not child.told_to_stop:
            self._tell_of_death(child, status, held)
        if status == CANNOT_START and not self._ever_served and not child.told_to_stop:
            self._status = status
            self._drain()
        if self._burst:
            self._status = 1

    def _tell_of_death(self, child: ChildProcess, status: int, held: list[dict]) -> None:
        words = f"Worker process {child.process.pid} {_ending(status)}"
        if held:
            words += f" while it ran {requests_text(held)}"
        words += "."
        replaced = not (child.told_to_stop or self._burst or self._stopping)
        if replaced and not (self._reload and self._reload.new is child):
            pause = self._restarts.died(time.monotonic() - child.started, served=child.serving)
            words += f" Starting again in {math.ceil(pause)} s." if pause else ""
        logger.error("%s", words)

    def _adjust(self) -> None:
        extra = self._reload and self._reload.extra(self._children)
        serving = [c for c in self._children if not c.told_to_stop and c is not extra]
        if len(serving) < self._wanted and self._restarts.allowed:
            self._start()
        for child in serving[self._wanted :]:
            child.stop(self._graceful_timeout)

    def _go_on_with_reload(self) -> None:
        """Fresh code, one process at a time: the old one goes when the new one serves."""
        reload = self._reload
        if reload.failed(self._children):
            logger.error("A replacement did not come up; the old processes stay.")
            if reload.new is not None:
                reload.new.stop(self._graceful_timeout)
            self._reload = None
        elif reload.next_one(self._children, self._graceful_timeout):
            reload.begin(self._start())
        elif reload.done:
            logger.info("Reload: done.")
            self._reload = None


def _ending(status: int) -> str:
    if status == 0:
        return "ended with status 0 in the middle of its work"
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
