"""One worker process: its executor threads, its heartbeat, its way out."""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..broker.handle import Broker
from ..broker.observe.processes import DRAINING, TIMED_OUT, WAITING
from ..broker.registration import Registration
from ..broker.worker_broker import WorkerBroker
from ..policy import Policy
from ..route_table import signer
from ..setting_rules import SAFE_METHODS
from .executor import Executor
from .giving_up import give_up
from .heartbeat import Heartbeat
from .last_word import LastWord
from .loop import ExecutorThread, RequestBudget
from .migrations import MigrationWatch
from .outage_log import OutageLog
from .own_routes import OwnRoutes
from .process_info import release
from .refusal_log import RefusalLog
from .retrying_broker import RetryingBroker
from .stopping import StopFlag
from .stream_flow import StreamFlow
from .view_watch import ViewWatch

logger = logging.getLogger("queueproxy.worker")

LOOK_EVERY = 0.2  # seconds, where threads may start or end by themselves
SERVING = "serving"  # told to the supervisor, beside worker ids
LEAVING = "leaving"  # told to the supervisor by one that a view keeps from serving: replace it
GOODBYE = "good-bye"  # told to the supervisor by one that holds nothing any more
FAILED = 1  # exit status when a thread failed: a bug of ours
FORCED = 3  # exit status when work was still running after the graceful timeout
CANNOT_START = 4  # exit status when the project's code could not be loaded, or the state not used


@dataclass(frozen=True)
class WorkerOptions:
    """Options of a worker, as plain values. Times in seconds."""

    broker: Broker
    queues: tuple[str, ...]
    secrets: tuple[str, ...]
    threads: int = 1
    spin: bool = False  # whether to wait awake for the broker: see broker/link/spin_wait.py
    burst: bool = False
    max_requests: int | None = None
    graceful_timeout: float = 30.0
    view_timeout: float | None = None
    stream_grace: float = 5.0
    name: str = ""
    require_migrations: bool = False
    policies: Mapping[str, Policy] = field(default_factory=dict)  # by name of the view
    retry_methods: frozenset[str] = frozenset(SAFE_METHODS)


class Worker:
    """Serves until told to stop, until its requests are used up, or, in a burst, until all is done.

    Args:
        options: plain values, from settings and command line.
        report: called with the worker's id at each registration, with SERVING once it serves, with
            LEAVING when a view has run past its time, and with GOODBYE when all is done and it has
            left the broker's list.
    """

    def __init__(self, options: WorkerOptions, report: Callable[[str], None] = lambda word: None):
        self._options = options
        self._report = report
        self._stop = StopFlag()
        self._allowance = RequestBudget(options.max_requests)
        self._outage = OutageLog()
        about = _about(options)
        self._registration = Registration(options.broker, about, options.queues, report)
        self._heartbeat = Heartbeat(self._registration, self._stop, self._outage, self._state)
        signed = signer(options.secrets, options.broker.namespace)
        self._routes = OwnRoutes(about["release"], signed, self._registration, options.policies)
        self._flow = StreamFlow(options.broker, lambda: self._registration.worker)
        self._migrations = MigrationWatch(
            lambda pending: self._registration.announce(pending_migrations=pending),
            hurry=options.require_migrations,
        )
        self._executor = Executor()
        self._last_word = LastWord(options.policies, options.retry_methods)
        self._last_word.watch(self._executor.handler)
        self._refusals = RefusalLog()
        self._threads: list[ExecutorThread] = []
        self._views = ViewWatch(options.view_timeout)
        self.stop_by = 0.0  # time.monotonic() at which the graceful timeout ends

    def stop(self) -> None:
        """Take no new work; return from `run` when the old is done. Safe in a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Serve; the exit status."""
        self._routes.read()  # before the lease runs: to import all views may take long
        if not self._heartbeat.begin():
            self._report(GOODBYE)
            return 0
        self._migrations.start()
        while self._waits_for_migrations() and not self._stop.is_set():
            self._heartbeat.beat()
            self._until_next_beat(self._waits_for_migrations)
        if not self._stop.is_set():
            self._start_threads()
        while not self._stop.is_set() and self._threads_alive():
            if self._heartbeat.beat():
                self._routes.keep_published()
            self._until_next_beat(self._threads_alive)
        return self._drain()

    def _waits_for_migrations(self) -> bool:
        return self._options.require_migrations and not self._migrations.applied

    def _start_threads(self) -> None:
        self._routes.keep_published()
        self._threads = [self._thread(number) for number in range(self._options.threads)]
        for thread in self._threads:
            thread.start()
        logger.info(
            "Worker %s serves %s.", self._registration.worker, ", ".join(self._options.queues)
        )
        self._report(SERVING)

    def _threads_alive(self) -> int:
        return sum(thread.is_alive() for thread in self._threads)

    def _thread(self, number: int) -> ExecutorThread:
        options = self._options
        codec = options.broker.codec(options.secrets)
        worker = self._registration.worker
        worker_broker = WorkerBroker(
            options.broker, codec, worker, number, options.queues, spin=options.spin
        )
        broker = RetryingBroker(
            worker_broker, self._registration, self._flow, self._stop, self._outage.note
        )
        return ExecutorThread(
            number,
            broker,
            self._executor,
            self._routes,
            self._last_word,
            self._stop,
            self._allowance,
            self._refusals,
            on_mismatch=self._outage.note_mismatch,
            burst=options.burst,
        )

    def _until_next_beat(self, go_on: Callable[[], int]) -> None:
        """Wait until a heartbeat is due, the stop comes, or there is no reason to go on."""
        until = time.monotonic() + self._options.broker.lease / 3
        while time.monotonic() < until and go_on():
            left = max(0.0, until - time.monotonic())
            left = min(left, self._views.seconds_to_next(self._threads))
            if self._stop.wait(min(LOOK_EVERY, left) if self._may_change() else left):
                return
            if self._views.look(self._threads):
                self._report(LEAVING)
                self._stop.set()
                return

    def _may_change(self) -> bool:
        """Whether the threads may start or end by themselves."""
        options = self._options
        return options.burst or options.max_requests is not None or self._waits_for_migrations()

    def _state(self) -> str:
        if self._stop.is_set():
            return TIMED_OUT if self._views.found else DRAINING
        if self._waits_for_migrations():
            return WAITING
        return "busy" if any(thread.busy for thread in self._threads) else "idle"

    def _drain(self) -> int:
        """Executors first, the heartbeat until they are done, the name last."""
        self._stop.set()
        self._migrations.end()
        began, next_beat = time.monotonic(), 0.0
        self.stop_by = began + self._options.graceful_timeout
        while alive := self._threads_alive():
            now = time.monotonic()
            if now >= began + self._options.stream_grace and not self._flow.streams_end:
                self._flow.end_streams()
            overdue = self._views.look(self._threads)
            others = len(overdue) < alive
            if now >= self.stop_by or not others:
                give_up(self._options.broker, self._registration.worker, overdue, others=others)
                break
            if now >= next_beat:
                self._heartbeat.beat()
                self._heartbeat.call_to_stop(len(self._threads))
                next_beat = now + min(1.0, self._options.broker.lease / 3)
            self._threads[0].join(0.02) if len(self._threads) == 1 else time.sleep(0.02)
        forced = self._threads_alive() > 0
        self._flow.close()
        self._heartbeat.end()
        if forced:
            return FORCED
        self._report(GOODBYE)
        if self._outage.mismatch:
            return CANNOT_START
        return FAILED if any(thread.failed for thread in self._threads) else 0


def _about(options: WorkerOptions) -> dict:
    """Tell what ``status`` shows of this process."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "name": options.name,
        "queues": list(options.queues),
        "threads": options.threads,
        "release": release(Path.cwd()),
    }
