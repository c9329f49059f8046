"""What runs the requests of a worker process: executor threads, or an event loop."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..broker.registration import WorkerRegistration
from ..broker.worker_broker import WorkerBroker
from ..tracing.untraced import NO_TRACING, NoTracing
from .admission import Admission
from .asynchronous.executor import AsyncExecutor
from .asynchronous.runner import LoopRunner
from .executor import Executor
from .fence import Fence
from .loop import ExecutorThread, RequestBudget
from .options import WorkerOptions
from .outage_log import OutageLog
from .retrying_broker import RetryingBroker
from .stopping import StopFlag
from .stream_flow import StreamFlow
from .view_watch import Watched


class Runners(Protocol):
    """What runs requests, as the process sees it."""

    @property
    def watched(self) -> Sequence[Watched]:
        """What views run in."""

    @property
    def listening(self) -> int:
        """How many wait at the broker where all are idle."""

    def start(self) -> None:
        """Begin to serve."""

    def alive(self) -> int:
        """How many have not ended; once the idle ones have, how many requests run."""

    def busy(self) -> bool:
        """Whether any request runs."""

    def failed(self) -> bool:
        """Whether any has ended by a fault of ours."""

    def join(self, timeout: float) -> None:
        """Wait until one that is the only one has ended, or `timeout` seconds."""

    def cut_streams(self) -> None:
        """End the streams without an end (STREAM_GRACE); may be called again."""


@dataclass(frozen=True)
class Parts:
    """What all that runs requests in a process has in common."""

    options: WorkerOptions
    registration: WorkerRegistration
    flow: StreamFlow
    executor: Executor | AsyncExecutor
    admission: Admission
    stop: StopFlag
    budget: RequestBudget
    outage: OutageLog
    fence: Fence = field(default_factory=Fence)
    tracing: NoTracing = NO_TRACING


def executor_of(options: WorkerOptions) -> Executor | AsyncExecutor:
    """Make what runs requests through Django; the project's middleware is loaded here."""
    return AsyncExecutor() if options.at_once else Executor()


def runners_of(parts: Parts) -> Runners:
    """Make what runs requests, once the process is registered."""
    at_once, executor = parts.options.at_once, parts.executor
    if isinstance(executor, AsyncExecutor):
        return LoopRunner(at_once or 1, parts, executor)
    threads = [_thread(number, parts, executor) for number in range(parts.options.threads)]
    return ThreadRunners(threads, parts.flow)


def _thread(number: int, parts: Parts, executor: Executor) -> ExecutorThread:
    options = parts.options
    worker_broker = WorkerBroker(
        options.broker,
        options.broker.codec(options.secrets),
        parts.registration.worker,
        number,
        options.queues,
        spin=options.spin,
        release=options.release,
        on_standing=parts.stop.rouse,
    )
    worker_broker.counts.keep_answered(options.keep_answered)
    broker = RetryingBroker(
        worker_broker, parts.registration, parts.flow, parts.stop, parts.outage.note
    )
    return ExecutorThread(
        number,
        broker,
        executor,
        parts.admission,
        parts.fence,
        parts.stop,
        parts.budget,
        on_mismatch=parts.outage.note_mismatch,
        burst=options.burst,
        tracing=parts.tracing,
    )


class ThreadRunners:
    """Executor threads, one request each.

    Args:
        threads: not started yet.
        flow: of the whole process.
    """

    def __init__(self, threads: Sequence[ExecutorThread], flow: StreamFlow):
        self._flow = flow
        self.watched = threads
        self.listening = len(threads)

    def start(self) -> None:
        for thread in self.watched:
            thread.start()

    def alive(self) -> int:
        return sum(thread.is_alive() for thread in self.watched)

    def busy(self) -> bool:
        return any(thread.busy for thread in self.watched)

    def failed(self) -> bool:
        return any(thread.failed for thread in self.watched)

    def join(self, timeout: float) -> None:
        if len(self.watched) == 1:
            self.watched[0].join(timeout)
        else:
            time.sleep(timeout)

    def cut_streams(self) -> None:
        if not self._flow.streams_end:
            self._flow.end_streams()
