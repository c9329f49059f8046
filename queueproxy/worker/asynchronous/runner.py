"""The event loop of a worker process, on a thread of its own: the main one keeps the leases."""

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

from ...broker.async_worker_broker import AsyncWorkerBroker
from ...broker.queue_order import QueueOrder
from ...broker.slot import Slot
from ...exceptions import SchemaMismatch
from .clients import Clients
from .event_loop import RequestLoop
from .executor import AsyncExecutor
from .places import Place
from .retrying_broker import AsyncRetryingBroker
from .serving import AsyncServing, Means

if TYPE_CHECKING:
    from ..runners import Parts

logger = logging.getLogger("queueproxy.worker")


class LoopRunner:
    """Runs up to `at_once` requests at the same time. Methods and attributes as of `Runners`.

    Args:
        at_once: how many.
        parts: of the process.
        executor: of the process.
    """

    listening = 1

    def __init__(self, at_once: int, parts: "Parts", executor: AsyncExecutor):
        self._parts = parts
        self._executor = executor
        self.watched = [Place(slot) for slot in _slots(at_once, parts)]
        # A daemon: the drain waits for it, and what is left after that has been given up.
        self._thread = threading.Thread(target=self._run, name="event-loop", daemon=True)
        self._loop: RequestLoop | None = None
        self._serving: AsyncServing | None = None
        self._failed = False

    def start(self) -> None:
        self._thread.start()

    def alive(self) -> int:
        running = sum(place.is_alive() for place in self.watched)
        return max(1, running) if self._thread.is_alive() else 0

    def busy(self) -> bool:
        return any(place.is_alive() for place in self.watched)

    def failed(self) -> bool:
        return self._failed

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def cut_streams(self) -> None:
        if self._loop is None or self._serving is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._serving.cut_streams)
        except RuntimeError:
            pass  # the loop has ended

    def _run(self) -> None:
        try:
            self._loop = loop = RequestLoop()
            asyncio.set_event_loop(loop)
            try:
                loop.run_to_the_end(self._serve())
            finally:
                loop.end()
        except BaseException as error:
            self._note_failure(error)
        finally:
            self._executor.close_thread()

    async def _serve(self) -> None:
        parts, options = self._parts, self._parts.options
        worker_broker = AsyncWorkerBroker(
            options.broker,
            options.broker.codec(options.secrets),
            parts.registration.worker,
            options.queues,
            options.release.name,
            parts.stop.rouse,
        )
        worker_broker.counts.keep_answered(options.keep_answered)
        means = Means(
            broker=AsyncRetryingBroker(
                worker_broker, parts.registration, parts.stop, parts.outage.note
            ),
            clients=Clients(options.broker, lambda: parts.registration.worker),
            executor=self._executor,
            admission=parts.admission,
            stop=parts.stop,
            budget=parts.budget,
            burst=options.burst,
            view_timeout=options.view_timeout,
            tracing=parts.tracing,
        )
        self._serving = AsyncServing(self.watched, means, self._note_failure)
        await self._serving.serve()

    def _note_failure(self, error: BaseException) -> None:
        if isinstance(error, SchemaMismatch):
            self._parts.outage.note_mismatch(error)
        else:
            logger.error("The event loop failed; its process ends and is replaced.", exc_info=error)
            self._failed = True
        self._parts.stop.set()


def _slots(number: int, parts: "Parts") -> list[Slot]:
    options, worker = parts.options, parts.registration.worker
    order = QueueOrder(options.queues)
    memory, release = options.broker.max_memory, options.release
    return [Slot(worker, one, order, memory, release) for one in range(number)]
