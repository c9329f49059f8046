"""Takes requests off the queues for all slots of an event loop, and has them answered at once.

One task claims, blocking at the broker, for as long as a slot is free: nothing is claimed that does
not start at once. Each request is a task of its own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...broker.claims import Claim, Settlement
from ...broker.counters import COUNT_EVERY
from ...envelopes import Envelope
from ...exceptions import DecodeError
from ...tracing.untraced import NO_TRACING, NoTracing
from ..admission import Admission
from ..loop import RequestBudget
from ..stopping import StopFlag
from .clients import Client, Clients
from .executor import AsyncExecutor
from .places import Place, cancel_late_views
from .request import AsyncRequest
from .retrying_broker import AsyncRetryingBroker


@dataclass(frozen=True)
class Means:
    """What the requests of a process have in common. Arguments as of `ExecutorThread`."""

    broker: AsyncRetryingBroker
    clients: Clients
    executor: AsyncExecutor
    admission: Admission
    stop: StopFlag
    budget: RequestBudget
    burst: bool = False
    view_timeout: float | None = None
    tracing: NoTracing = NO_TRACING


class AsyncServing:
    """Serves until told to stop, until the budget is used up, or, in a burst, until all is done.

    Args:
        places: of the requests that run at once.
        means: see there.
        on_failure: called with what a task of ours raised.
    """

    def __init__(
        self, places: Sequence[Place], means: Means, on_failure: Callable[[BaseException], None]
    ):
        self._means = means
        self._places = places
        self._free = deque(places)
        self._on_failure = on_failure
        self._freed = asyncio.Event()
        self._counted = asyncio.Event()
        self._cut = False

    @property
    def running(self) -> int:
        """How many requests run."""
        return sum(place.is_alive() for place in self._places)

    def cut_streams(self) -> None:
        """End the answers that have no end by themselves, from now on: the process is to end."""
        self._cut = True
        for place in self._places:
            if place.request is not None:
                place.request.cut()

    async def serve(self) -> None:
        """Serve, and return once all that was claimed is answered and closed."""
        helpers = [
            asyncio.create_task(self._means.clients.read()),
            asyncio.create_task(self._report()),
        ]
        if self._means.view_timeout is not None:
            late = cancel_late_views(self._places, self._means.view_timeout)
            helpers.append(asyncio.create_task(late))
        try:
            try:
                await self._take_requests()
            except Exception as error:
                self._on_failure(error)
            while self.running:
                await self._one_freed()
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.wait(helpers)
            await self._means.broker.close()

    async def _take_requests(self) -> None:
        look = True  # at what waits, without waiting for a bell
        while self._may_claim():
            if not self._free:
                await self._one_freed()
                look = True
                continue
            place = self._free.popleft()
            slot, broker = place.slot, self._means.broker
            claim = await (broker.claim(slot) if look else broker.wait(slot))
            if claim is not None:
                look = self._means.burst
                await self._start(place, claim)
                continue
            self._free.append(place)
            look = False
            if self._means.burst:
                if not self.running:
                    return
                await self._one_freed()
                look = True

    def _may_claim(self) -> bool:
        return not self._means.stop.is_set() and self._means.budget.left

    async def _one_freed(self) -> None:
        """Wait until a request has ended that runs now."""
        self._freed.clear()
        await self._freed.wait()

    async def _start(self, place: Place, claim: Claim) -> None:
        if self._means.stop.is_set():  # it was claimed while that came: Django is not entered
            await self._means.broker.settle(place.slot, Settlement(claim, "released"))
            self._free.append(place)
            return
        self._means.budget.use()
        place.task = asyncio.create_task(self._answer(place, claim))
        place.task.add_done_callback(lambda task: self._ended(place, task))

    def _ended(self, place: Place, task: asyncio.Task[None]) -> None:
        place.task = place.request = None
        place.clock.stop()
        self._free.append(place)
        self._freed.set()
        self._counted.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_failure(error)

    async def _answer(self, place: Place, claim: Claim) -> None:
        """Run one request, answer it, close its response."""
        means, slot = self._means, place.slot
        try:
            envelope = await means.broker.open(slot, claim)
            turned_away = means.admission.turned_away(claim, envelope.head)
            if turned_away is not None:
                await means.broker.settle(slot, turned_away)
                return
            client = means.clients.follow(claim.registration)
            try:
                await self._run(place, claim, client, envelope)
            finally:
                means.clients.forget(claim.registration)
        except DecodeError as error:
            await means.broker.settle(slot, means.admission.refused(claim, error))

    async def _run(self, place: Place, claim: Claim, client: Client, envelope: Envelope) -> None:
        means = self._means
        attempt = means.tracing.begin(claim, envelope, place.slot.worker)
        attempt.enter()
        place.request = AsyncRequest(
            means.broker,
            means.executor,
            place.slot,
            claim,
            client,
            place.clock,
            attempt.seen_by_view(envelope),
            means.admission.begin(claim, envelope.head),
            attempt,
        )
        if self._cut:
            place.request.cut()
        await place.request.run()

    async def _report(self) -> None:
        """Tell the statistics what was counted, every COUNT_EVERY while anything is."""
        while await self._counted.wait():
            self._counted.clear()
            await asyncio.sleep(COUNT_EVERY)
            if await self._means.broker.report():
                self._counted.set()  # what is kept for another time is looked at again
