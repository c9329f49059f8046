"""Tries each operation of the slots of an event loop until the broker answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...broker.async_worker_broker import AsyncWorkerBroker
from ...broker.claims import Claim, Settlement
from ...broker.registration import WorkerRegistration
from ...broker.slot import Slot
from ...envelopes import Envelope, Frame, pieces_of
from ...exceptions import BrokerUnavailable, Fenced, SchemaMismatch
from ..retrying_broker import Attempts, Stopped
from ..stopping import StopFlag
from .incoming_body import AsyncIncomingBody

Answer = TypeVar("Answer")


class AsyncRetryingBroker:
    """An AsyncWorkerBroker that outlives outages of the broker: see `RetryingBroker`.

    Args:
        worker_broker: of the whole process.
        registration: of the whole process.
        stop: set when no new work is to be taken.
        on_away: called when the broker is lost (True, and the error) and when it is back (False).
    """

    def __init__(
        self,
        worker_broker: AsyncWorkerBroker,
        registration: WorkerRegistration,
        stop: StopFlag,
        on_away: Callable[[bool, Exception | None], None] = lambda away, error: None,
    ):
        self._broker = worker_broker
        self._registration = registration
        self._stop = stop
        self._on_away = on_away

    async def claim(self, slot: Slot) -> Claim | None:
        """Claim the next request; None where none can be started now, or once the stop has come."""
        if self._stop.is_set():
            return None
        try:
            return await self._until_answered(lambda: self._claim(slot), held=False)
        except Stopped:
            return None

    async def wait(self, slot: Slot) -> Claim | None:
        """Claim, but block until something waits, or for a while (AsyncWorkerBroker.wait)."""
        try:
            self._registration.see_that_leases_are_kept()
            return await self._broker.wait(slot)
        except (BrokerUnavailable, Fenced):
            return await self.claim(slot)

    async def open(self, slot: Slot, claim: Claim) -> Envelope:
        """Decode the request itself.

        Raises:
            DecodeError: it is malformed, altered or forged; refuse it.
        """
        return await self._until_answered(lambda: self._broker.open(slot, claim))

    def body_of(self, slot: Slot, claim: Claim, envelope: Envelope) -> AsyncIncomingBody | None:
        """Make what the body is received from; None where the envelope has it."""
        count = pieces_of(envelope.head)
        if not count:
            return None
        return AsyncIncomingBody(self._broker.pieces(slot, claim, count), envelope)

    async def push(self, slot: Slot, claim: Claim, frame: Frame) -> bool:
        """Send a frame that is not the last; False where nobody reads this answer any more."""
        try:
            return await self._until_answered(lambda: self._broker.push(slot, claim, frame))
        except Fenced:
            return False

    async def wanted(self, claim: Claim) -> bool:
        """Whether a client still waits for the answer."""
        return await self._until_answered(lambda: self._broker.wanted(claim))

    async def settle(self, slot: Slot, settlement: Settlement) -> None:
        """End a lease and claim nothing."""
        await self._until_answered(lambda: self._settle(slot, settlement))

    async def report(self, *, all_of_it: bool = False) -> bool:
        """Report what was counted; it is lost where the broker is away. See `AsyncWorkerBroker`."""
        try:
            return await self._broker.report(self._registration.worker, all_of_it=all_of_it)
        except (BrokerUnavailable, SchemaMismatch):
            return False

    async def close(self) -> None:
        """Report what was counted and drop the links."""
        await self.report(all_of_it=True)
        await self._broker.close()

    async def _claim(self, slot: Slot) -> Claim | None:
        self._registration.see_that_leases_are_kept()
        try:
            return await self._broker.claim(slot)
        except Fenced:
            await self._register_again(slot)
        try:
            return await self._broker.claim(slot)
        except Fenced as error:  # so soon: not at once again
            raise BrokerUnavailable("This worker was given up twice in a row.") from error

    async def _settle(self, slot: Slot, settlement: Settlement) -> None:
        try:
            await self._broker.settle(slot, settlement)
        except Fenced:
            await self._register_again(slot)

    async def _register_again(self, slot: Slot) -> None:
        """Take the process's new id; what the slot held has been dealt with."""
        worker = await self._broker.in_thread(lambda: self._registration.join(given_up=slot.worker))
        slot.work_as(worker)
        self._broker.listen_as(worker)

    async def _until_answered(
        self, action: Callable[[], Awaitable[Answer]], *, held: bool = True
    ) -> Answer:
        """Do it until the broker answers.

        Args:
            held: whether a request is held.

        Raises:
            Stopped: no request is held, and the stop has come.
        """
        attempts = Attempts(self._on_away)
        while True:
            try:
                result = await action()
            except BrokerUnavailable as error:
                delay = attempts.failed(error)
                if not held and self._stop.is_set():
                    raise Stopped from error
                await asyncio.sleep(delay)
            else:
                attempts.succeeded()
                return result
