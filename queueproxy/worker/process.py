"""One worker process: its executor threads, its heartbeat, its way out."""

import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from .. import tracing
from ..broker.observe.processes import DRAINING, TIMED_OUT, WAITING
from ..broker.registration import WorkerRegistration
from ..route_table import signer
from .admission import Admission
from .asynchronous.executor import AsyncExecutor
from .executor import Executor
from .giving_up import give_up
from .heartbeat import Heartbeat
from .last_word import LastWord
from .loop import RequestBudget
from .migrations import MigrationWatch
from .options import WorkerOptions
from .outage_log import OutageLog
from .own_routes import OwnRoutes
from .process_words import (
    CANNOT_START,
    FAILED,
    FORCED,
    GOODBYE,
    LEAVING,
)
from .purging import Purging
from .refusal_log import RefusalLog
from .runners import Parts, Runners, ThreadRunners, executor_of, runners_of
from .standing import Standing
from .stopping import StopFlag
from .stream_flow import StreamFlow
from .view_watch import ViewWatch

logger = logging.getLogger("queueproxy.worker")

LOOK_EVERY = 0.2  # seconds, where threads may start or end by themselves
CANCEL_WITHIN = 1.0  # seconds a view on an event loop has to end when it is cancelled


class Worker:
    """Serves until told to stop, until its requests are used up, or, in a burst, until all is done.

    Args:
        options: plain values, from settings and command line.
        report: called with the worker's id at each registration, and with the words of
            process_words: SERVING or STANDBY once it is ready, and where that changes, LEAVING when
            a view has run past its time, RETIRED, and GOODBYE when it has left the broker's list.
        executor: runs the requests, where not the one that the options ask for.
    """

    def __init__(
        self,
        options: WorkerOptions,
        report: Callable[[str], None] = lambda word: None,
        executor: Executor | AsyncExecutor | None = None,
    ):
        self._options = options
        self._report = report
        self._stop = StopFlag()
        self._outage = OutageLog()
        self._registration = WorkerRegistration(
            options.broker, _about(options), options.queues, report, options.release
        )
        self._heartbeat = Heartbeat(self._registration, self._stop, self._outage, self._state)
        signed = signer(options.secrets, options.broker.namespace)
        name = options.release.name
        self._standing = Standing(self._registration, name, options.queues, report)
        self._routes = OwnRoutes(name, signed, self._registration, options.policies)
        self._flow = StreamFlow(options.broker, lambda: self._registration.worker)
        self._migrations = MigrationWatch(
            lambda pending: self._registration.announce(pending_migrations=pending),
            hurry=options.require_migrations,
        )
        executor = executor or executor_of(options)
        self._parts = Parts(
            options=options,
            registration=self._registration,
            flow=self._flow,
            executor=executor,
            admission=_admission(options, executor, self._routes),
            stop=self._stop,
            budget=RequestBudget(options.max_requests),
            outage=self._outage,
            tracing=tracing.for_worker(is_async=bool(options.at_once)),
        )
        self._runners: Runners = ThreadRunners([], self._flow)
        self._purging: Purging | None = None
        self._views = ViewWatch(options.view_timeout, CANCEL_WITHIN if options.at_once else 0.0)
        self.stop_by = 0.0  # time.monotonic() at which the graceful timeout ends

    def stop(self) -> None:
        """Take no new work; return from `run` when the old is done. Safe in a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Give the descriptors back, where the process goes on once `run` has returned."""
        self._stop.close()

    def run(self) -> int:
        """Serve; the exit status."""
        self._routes.read()  # before the lease runs: to import all views may take long
        if not self._heartbeat.begin():
            self._report(GOODBYE)
            return 0
        if self._options.watch_migrations:
            self._migrations.start()
        while self._waits_for_migrations() and not self._stop.is_set():
            self._heartbeat.beat()
            self._until_next_beat(self._waits_for_migrations)
        if not self._stop.is_set():
            self._begin_to_serve()
        while not self._stop.is_set() and self._runners.alive():
            if self._heartbeat.beat():
                self._routes.keep_published()
                if self._standing.is_over():
                    self._stop.set()
            self._until_next_beat(self._runners.alive)
        return self._drain()

    def _waits_for_migrations(self) -> bool:
        return self._options.require_migrations and not self._migrations.applied

    def _begin_to_serve(self) -> None:
        self._routes.keep_published()
        self._runners = runners_of(self._parts)
        self._runners.start()
        if self._routes.databases:
            kept = self._options.keep_executions
            self._purging = Purging(self._routes.databases, kept, lambda: not self._runners.busy())
            self._purging.start()
        self._standing.tell()

    def _until_next_beat(self, go_on: Callable[[], int]) -> None:
        """Wait until a heartbeat is due, the stop comes, or there is no reason to go on.

        One is due at once where another release serves now: a broker that loses its data is told
        which by the workers that know of it.
        """
        until = time.monotonic() + self._heartbeat.seconds_to_next
        while time.monotonic() < until and go_on():
            left = max(0.0, until - time.monotonic())
            left = min(left, self._views.seconds_to_next(self._runners.watched))
            if self._stop.wait(min(LOOK_EVERY, left) if self._may_change() else left):
                return
            if self._stop.was_roused():
                return
            if self._views.look(self._runners.watched):
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
        return "busy" if self._runners.busy() else "idle"

    def _drain(self) -> int:
        """Executors first, the heartbeat until they are done, the name last."""
        self._stop.set()
        self._migrations.end()
        if self._purging is not None:
            self._purging.end()
        now = time.monotonic()
        self.stop_by = now + self._options.graceful_timeout
        cut_at, next_beat = now + self._options.stream_grace, 0.0
        while alive := self._runners.alive():
            now = time.monotonic()
            overdue = self._views.look(self._runners.watched)
            others = len(overdue) < alive
            if now >= self.stop_by or not others:
                give_up(self._options.broker, self._registration.worker, overdue, others=others)
                break
            if now >= next_beat:
                self._heartbeat.beat()
                self._heartbeat.call_to_stop(self._runners.listening)
                next_beat = now + min(1.0, self._heartbeat.seconds_to_next)
            if now >= cut_at:
                self._runners.cut_streams()
            self._runners.join(0.02)
        forced = self._runners.alive() > 0
        self._flow.close()
        self._heartbeat.end()
        if forced:
            return FORCED
        self._report(GOODBYE)
        if self._outage.mismatch:
            return CANNOT_START
        return FAILED if self._runners.failed() else 0


def _admission(
    options: WorkerOptions, executor: Executor | AsyncExecutor, routes: OwnRoutes
) -> Admission:
    last_word = LastWord(options.policies, options.retry_methods)
    last_word.watch(executor.handler, is_async=bool(options.at_once))
    return Admission(routes, RefusalLog(), last_word, fences=not options.at_once)


def _about(options: WorkerOptions) -> dict[str, Any]:
    """Tell what ``status`` shows of this process."""
    following = {"follows_load": True} if options.follows_load else {}
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "name": options.name,
        "queues": list(options.queues),
        "threads": options.most_at_once,
        "async": bool(options.at_once),
        "release": options.release.name,
        "standby": bool(options.release.standby),
        **following,
    }
