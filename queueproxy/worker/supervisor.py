"""Starts, counts and replaces worker processes; deals at once with what a dead one held."""

import logging
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from ..broker.handle import Broker
from ..exceptions import BrokerUnavailable
from .process import CANNOT_START, SERVING
from .restart_backoff import RestartBackoff
from .serving import STATUS_FD_VARIABLE

logger = logging.getLogger("queueproxy.worker")

LOOK_EVERY = 0.2  # seconds; a signal or a child's end wakes the supervisor earlier
READY_WITHIN = 60.0  # seconds a replacement may take until it serves
STOP_MARGIN = 5.0  # seconds beyond the graceful timeout before a process is killed


class WorkerProcess:
    """One worker process and the pipe on which it tells its ids."""

    def __init__(self, command: Sequence[str]):
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        environ = {**os.environ, STATUS_FD_VARIABLE: str(writing)}
        self.process = subprocess.Popen(command, env=environ, pass_fds=[writing])
        os.close(writing)
        os.set_blocking(reading, False)
        self._status = reading
        self.worker = ""
        self.serving = False
        self.started = time.monotonic()
        self.told_to_stop = False

    def read_status(self) -> None:
        """Take in what it has told: its worker id, and that it serves."""
        try:
            lines = os.read(self._status, 65536).decode().splitlines()
        except BlockingIOError:
            return
        for line in lines:
            if line == SERVING:
                self.serving = True
            else:
                self.worker = line

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens where it has ended."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """Ask it to drain."""
        if not self.told_to_stop:
            self.told_to_stop = True
            self.signal(signal.SIGTERM)

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._status)


class Supervisor:
    """Keeps `processes` workers running until stopped.

    Args:
        command: starts one worker process.
        processes: how many.
        graceful_timeout: seconds a process may take to drain before it is killed.
        reap: told the id of each worker that died; gives back what it held.
        burst: don't start anew what ended well; return when all have.
    """

    def __init__(
        self,
        command: Sequence[str],
        processes: int,
        *,
        graceful_timeout: float,
        reap: Callable[[str], None],
        burst: bool = False,
    ):
        self._command = command
        self._wanted = processes
        self._graceful_timeout = graceful_timeout
        self._reap = reap
        self._burst = burst
        self._children: list[WorkerProcess] = []
        self._stopping = False
        self._reload = False
        self._restarts = RestartBackoff()
        self._ever_served = False
        self._stop_by = 0.0
        self._wake_reading, self._wake_writing = os.pipe()
        self._status = 0

    def run(self) -> int:
        """Supervise; the exit status."""
        self._listen_to_signals()
        for _ in range(self._wanted):
            self._start()
        while self._children or not (self._stopping or self._burst):
            self._sleep()
            self._look_after_children()
            if self._reload and not self._stopping:
                self._reload = False
                self._replace_all()
            if not self._stopping and not self._burst:
                self._adjust()
        return self._status

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

    def _on_stop(self, *_) -> None:
        if self._stopping:
            for child in self._children:
                child.signal(signal.SIGKILL)
        self._stopping = True
        self._stop_by = time.monotonic() + self._graceful_timeout + STOP_MARGIN
        for child in self._children:
            child.stop()

    def _on_reload(self, *_) -> None:
        self._reload = True

    def _want(self, more: int) -> None:
        self._wanted = max(1, self._wanted + more)

    def _sleep(self) -> None:
        select.select([self._wake_reading], [], [], LOOK_EVERY)
        try:
            os.read(self._wake_reading, 4096)
        except BlockingIOError:
            pass

    def _start(self) -> WorkerProcess:
        child = WorkerProcess(self._command)
        self._children.append(child)
        return child

    def _look_after_children(self) -> None:
        for child in list(self._children):
            child.read_status()
            self._ever_served |= child.serving
            status = child.process.poll()
            if status is not None:
                self._bury(child, status)
            elif self._stopping:
                child.stop()  # the signal may have come while it was being started
                if time.monotonic() > self._stop_by:
                    child.signal(signal.SIGKILL)

    def _bury(self, child: WorkerProcess, status: int) -> None:
        self._children.remove(child)
        child.read_status()
        child.close()
        if status == 0:
            return
        if child.worker:
            self._reap(child.worker)
        if not child.told_to_stop:
            pause = self._restarts.died(time.monotonic() - child.started, served=child.serving)
            later = f" Starting again in {pause:.0f} s." if pause and not self._burst else ""
            logger.error("Worker process %d %s.%s", child.process.pid, _ending(status), later)
            if status == CANNOT_START and not self._ever_served:
                self._status = status
                self._on_stop()
        if self._burst:
            self._status = 1

    def _adjust(self) -> None:
        serving = [child for child in self._children if not child.told_to_stop]
        if len(serving) < self._wanted and self._restarts.allowed:
            self._start()
        for child in serving[self._wanted :]:
            child.stop()

    def _replace_all(self) -> None:
        """Fresh code, one process at a time: the old one goes when the new one serves."""
        for old in [child for child in self._children if not child.told_to_stop]:
            new = self._start()
            if not self._until_serving(new):
                if not self._stopping:
                    logger.error("A replacement did not come up; the old processes stay.")
                new.stop()
                return
            old.stop()

    def _until_serving(self, child: WorkerProcess) -> bool:
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and not self._stopping:
            self._sleep()
            self._look_after_children()
            if child.serving:
                return True
            if child not in self._children:
                return False
        return False


def reaper(broker: Broker) -> Callable[[str], None]:
    """A function that gives back at once what a dead worker held.

    Where the broker is away nothing happens: the worker's lease runs out by itself.
    """

    def reap(worker: str) -> None:
        with broker.link("supervisor") as link:
            try:
                link.script("worker_reap", worker)
            except BrokerUnavailable:
                pass

    return reap


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
