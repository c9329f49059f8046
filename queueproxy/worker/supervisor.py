"""Starts, counts and replaces worker processes; deals at once with what a dead one held."""

import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..broker.observe.processes import RunningRequest
from ..wording import count_text
from .boot_failures import UNTOLD, BootFailures
from .child_process import ChildProcess, death_text, ending_text
from .children import Children
from .orders import Orders
from .process_words import CANNOT_START
from .reload import Reload
from .restart_backoff import RestartBackoff
from .scaling.process_number import ProcessNumber

logger = logging.getLogger("queueproxy.worker")

LOOK_EVERY = 0.2  # seconds; a signal or a child's end wakes the supervisor earlier


@dataclass(frozen=True)
class SupervisorOptions:
    """What a supervisor keeps running, and how.

    Args:
        command: starts one worker process.
        processes: how many, or the least.
        graceful_timeout: seconds a process may take to drain before it is killed.
        burst: don't start anew what ended well; return when all have.
        directory: where processes are started; None for here.
        parent: descriptor of a pipe that is closed when this supervisor is to drain; None for none.
        develops: whether the code is being written: while it can't be loaded, none is started.
        reload_at_once: how many are replaced at the same time; None for a quarter.
    """

    command: Sequence[str]
    processes: int
    graceful_timeout: float
    burst: bool = False
    directory: str | None = None
    parent: int | None = None
    develops: bool = False
    reload_at_once: int | None = None


class Supervisor:
    """Keeps workers running until stopped.

    Args:
        reap: told the id of each worker that died; gives back what it held, and tells what.
        failures: told of processes that do not come up.
        number: how many there should be, where that is not always the same.
    """

    def __init__(
        self,
        options: SupervisorOptions,
        reap: Callable[[str], list[RunningRequest]],
        failures: BootFailures = UNTOLD,
        number: ProcessNumber | None = None,
    ):
        self._options = options
        self._reap = reap
        self._failures = failures
        self._children = Children(options.command, options.directory, options.graceful_timeout)
        self._orders = Orders(options.processes, options.parent)
        self._broken = False  # the code can't be loaded as it is
        self._stopping = self._killed = False
        self._reload: Reload | None = None
        self._restarts = RestartBackoff()
        self._number = number or ProcessNumber()
        self._status = 0

    def run(self) -> int:
        """Supervise; the exit status."""
        self._orders.listen()
        self._number.begin(self._orders)
        for _ in range(self._orders.processes):
            self._start()
        while self._children or not (self._stopping or self._options.burst):
            self._orders.wait(LOOK_EVERY)
            self._obey()
            for child, status in self._children.look_after():
                self._bury(child, status)
            if self._reload is not None:
                self._go_on_with_reload(self._reload)
            elif self._children.all_ready:
                self._failures.came_up(self._children.newest)
                self._replace_outgrown()
            if not self._stopping and not self._options.burst:
                self._number.follow(self._orders, self._children, reloads=self._reload is not None)
                self._adjust()
        self._number.ended()
        logger.info("All worker processes have ended; exit status %d.", self._status)
        return self._status

    def restart(self) -> None:
        """Have fresh code in all processes, at once; may be called in any thread."""
        self._orders.restart()

    def _obey(self) -> None:
        if (self._orders.stops or self._children.retired) and not self._stopping:
            self._drain()
        if self._orders.stops > 1 and not self._killed:
            self._killed = True
            logger.warning("Told again to stop: worker processes are killed.")
            self._children.kill_all()
        if self._reload is None and not self._stopping and self._orders.take_reload():
            self._begin_reload()
        if self._orders.take_restart() and not self._stopping:
            self._broken, self._reload, self._restarts = False, None, RestartBackoff()
            for child in self._children.staying:
                self._children.stop(child)

    def _begin_reload(self) -> None:
        self._broken = False
        self._reload = Reload(self._children.staying, self._options.reload_at_once)
        number = count_text(len(self._reload.left), "worker process", "worker processes")
        logger.info(
            "Reload: fresh code from %s for %s.", self._options.directory or os.getcwd(), number
        )

    def _drain(self) -> None:
        self._stopping = True
        self._reload = None
        self._number.end()
        logger.info(
            "Draining: %s, %g s at most; told again to stop, they are killed.",
            count_text(len(self._children), "worker process", "worker processes"),
            self._children.graceful_timeout,
        )
        for child in self._children:
            self._children.stop(child)

    def _start(self) -> ChildProcess | None:
        try:
            return self._children.start()
        except OSError as error:
            pause = self._restarts.died(0.0, served=False)
            logger.error(
                "A worker process can't be started: %s. Trying again in %d s.",
                error,
                math.ceil(pause),
            )
            return None

    def _bury(self, child: ChildProcess, status: int) -> None:
        if status == 0 and child.said_goodbye:
            return
        held = self._reap(child.worker) if child.worker else []
        if held or not child.told_to_stop:
            self._tell_of_death(child, status, held)
        if not (child.serving or child.told_to_stop):
            self._failures.failed(f"It {ending_text(status)}.", child, self._children.staying)
        if status == CANNOT_START and self._options.develops and not child.told_to_stop:
            self._broken = True
        elif status == CANNOT_START and not self._children.ever_served and not child.told_to_stop:
            self._status = status
            self._drain()
        if self._options.burst:
            self._status = 1

    def _tell_of_death(self, child: ChildProcess, status: int, held: list[RunningRequest]) -> None:
        words = death_text(child.process.pid, status, held)
        replaced = not (child.told_to_stop or self._options.burst or self._stopping)
        if replaced and not (self._reload and child in self._reload.new):
            pause = self._restarts.died(time.monotonic() - child.started, served=child.serving)
            words += f" Starting again in {math.ceil(pause)} s." if pause else ""
        logger.error("%s", words)

    def _adjust(self) -> None:
        extra = self._reload.extra(self._children) if self._reload else []
        serving = [child for child in self._children.staying if child not in extra]
        # One that a view keeps from serving is replaced while it drains; but where all views hang,
        # no more processes drain than serve.
        room = len(serving) + max(0, self._children.leaving - self._orders.processes)
        if room < self._orders.processes and self._restarts.allowed and not self._broken:
            self._start()
        for child in serving[self._orders.processes :]:
            self._children.stop(child)

    def _go_on_with_reload(self, reload: Reload) -> None:
        if reload.go_on(self._children, self._start, self._failures):
            if reload.done:
                logger.info("Reload: done.")
            else:
                self._number.replacement_failed()
            self._reload = None

    def _replace_outgrown(self) -> None:
        """Replace the process that has taken more than its share of the memory, if any."""
        child = self._number.outgrown(self._children, self._orders.processes)
        if child is not None:
            self._reload = Reload([child], at_once=1)
