"""Asks the broker for a process that runs requests on one event loop: what `WorkerBroker` does.

Two links carry the leases of all its slots: one waits for the next request, the other sends what is
to be said of those that run. So an idle process blocks at the broker, and an answer never waits for
the end of a block.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..envelopes import Codec, Envelope, Frame
from ..exceptions import BrokerRefused
from .bells import BLOCK_FOR, LOOK_EVERY, Bells
from .claims import Claim, Settlement
from .counters import Counting
from .frame_writing import FrameWriter
from .handle import Broker
from .link.connect import ANSWER_WITHIN
from .link.protocol import Command
from .link.shared_link import SharedLink
from .opener import Opener
from .piece_reader import PieceThreads, ReadPiece
from .slot import Idle, Slot, held_command, is_held, is_wanted

Answer = TypeVar("Answer")

BODIES_AT_ONCE = 8  # large ones that are read at the same time; others wait
MARGIN = 5.0  # seconds an answer may come after the end of a block


class AsyncWorkerBroker:
    """Asks for all slots of one process. `claim` and `wait` are for one task; the rest for any.

    Args:
        broker, codec: makes the links; verifies requests, signs reply frames.
        worker, release: of the process: its id at first, its code.
        queues: what it serves.
    """

    def __init__(
        self,
        broker: Broker,
        codec: Codec,
        worker: str,
        queues: Sequence[str],
        release: str = "",
        on_standing: Callable[[], object] = lambda: None,
    ):
        self._waiting = broker.async_link("worker-executor")
        self._settling = SharedLink(broker.async_link("worker-settle"))
        # What blocks is done in a thread of our own: those of the loop are the project's to fill.
        self._fetching = broker.link("worker-fetch")
        self._thread = ThreadPoolExecutor(1, "broker")
        self._frame_writer = FrameWriter(broker.keys, codec, broker.lease_ms)
        self._bodies = PieceThreads(broker, BODIES_AT_ONCE)
        self._opener = Opener(self._fetching, codec)
        self._opener_in_use = asyncio.Lock()
        self._bells = Bells(broker.keys, queues, worker, on_standing)
        self.counts = Counting(release)

    def listen_as(self, worker: str) -> None:
        """Listen to this worker's own bell from now on, after it has registered again."""
        self._bells.work_as(worker)

    async def claim(self, slot: Slot) -> Claim | None:
        """Claim the next request for a free slot. Safe to call again.

        Returns:
            The claim, or None where nothing can be started now.

        Raises:
            BrokerUnavailable: fate unknown; call again for the same slot.
            Fenced: this worker has been given up; nothing was claimed.
        """
        return await self._take(slot, None)

    async def wait(self, slot: Slot) -> Claim | None:
        """Block until a bell rings, or for a while (see Bells), then claim, in one trip."""
        try:
            claim = await self._take(slot, self._bells.command(BLOCK_FOR))
        except BrokerRefused as error:
            self._bells.refused(error)
            await asyncio.sleep(LOOK_EVERY)
            return await self.claim(slot)  # what that trip may have claimed is given again
        self._bells.heard()
        return claim

    async def _take(self, slot: Slot, bells: Command | None) -> Claim | None:
        timeout = BLOCK_FOR + MARGIN if bells else ANSWER_WITHIN
        while True:
            reply = await self._waiting.script(
                "settle_and_claim",
                *slot.settle_and_claim(None, True),
                sent_ahead=bells,
                timeout=timeout,
            )
            taken = slot.taken(reply)
            if taken is not None:
                self._bells.listen_after(taken)
                return None if isinstance(taken, Idle) else taken
            bells, timeout = None, ANSWER_WITHIN

    async def settle(self, slot: Slot, settlement: Settlement) -> None:
        """End a lease and claim nothing. Safe to call again.

        Raises:
            BrokerUnavailable, BrokerFull: as of `WorkerBroker.settle_and_claim`.
            Fenced: this worker has been given up; nothing was settled.
        """
        reply = await self._frame_writer.send_async(
            "settle_and_claim",
            self._settling,
            settlement.frame,
            slot.secret_index,
            lambda written: slot.settle_and_claim(settlement, False, written),
        )
        slot.taken(reply)
        self.counts.settled(settlement)

    async def push(self, slot: Slot, claim: Claim, frame: Frame) -> bool:
        """Send one frame of a streamed answer; False where nobody reads it any more.

        Raises:
            Fenced: the lease is lost; the answer is not this slot's to give.
            BrokerFull: nothing was done; call again in a while.
        """
        reply = await self._frame_writer.send_async(
            "push",
            self._settling,
            frame,
            slot.secret_index,
            lambda written: slot.push(claim, written),
        )
        return is_wanted(reply)

    async def wanted(self, claim: Claim) -> bool:
        """Whether a front still holds a client for it."""
        link = self._settling
        return is_held(claim, await link.command(held_command(link.keys, claim)))

    async def open(self, slot: Slot, claim: Claim) -> Envelope:
        """Verify and decode; see Opener.

        Raises:
            DecodeError: it is malformed, altered, forged or too late; refuse it.
            BrokerUnavailable: the time could not be read now; call again.
        """
        async with self._opener_in_use:
            envelope = self._opener.open_at_once(claim)
            if envelope is None:
                envelope = await self.in_thread(lambda: self._opener.open(claim))
        slot.secret_index = envelope.secret_index
        return envelope

    def pieces(self, slot: Slot, claim: Claim, count: int) -> ReadPiece:
        """Make what reads the pieces of a body that the front keeps.

        Args:
            count: pieces of it.
        """
        return self._bodies.reader(claim, slot.name, count)

    async def in_thread(self, action: Callable[[], Answer]) -> Answer:
        """Do what blocks in a thread for that."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, action)

    async def report(self, worker: str, *, all_of_it: bool = False) -> bool:
        """Tell the statistics what was counted, as `Counting.take`; whether anything is kept back.

        Raises:
            BrokerUnavailable: what was counted is lost.
        """
        if self.counts.pending or (all_of_it and self.counts.kept_back):
            counted = self.counts.take(worker, all_of_it=all_of_it)
            await self._settling.script("add_counts", *counted)
        return self.counts.kept_back

    async def close(self) -> None:
        """Drop the links, once all that was asked for is sent."""
        await self._settling.close()
        await self._waiting.close()
        self._thread.shutdown(wait=False)
        self._bodies.close()
        self._fetching.close()
