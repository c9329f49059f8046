"""Asks the broker for an executor thread: claim requests, push and settle their answers."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..envelopes import Codec, Envelope, Frame
from ..exceptions import BrokerRefused, BrokerUnavailable, SchemaMismatch
from .bells import BLOCK_FOR, LOOK_EVERY, Bells
from .claims import Claim, Settlement
from .counters import CountReporter
from .frame_writing import FrameWriter
from .handle import Broker
from .link.protocol import Arguments, RedisReply
from .opener import Opener
from .own_release import NO_RELEASE, OwnRelease
from .piece_reader import PieceLink, PieceReader
from .queue_order import QueueOrder
from .slot import Idle, Slot, held_command, is_held, is_wanted

MARGIN = 5.0  # seconds an answer may come after the end of a block


class WorkerBroker:
    """Asks the broker for one thread, which has at most one lease and one blocking link.

    Args:
        broker: makes this thread's own link.
        codec: to sign reply frames with.
        worker, release: of the process: its id (another where it had to register again), its code.
        number: the thread's number in the process.
        queues: what it serves, in order: see QueueOrder.
        spin: whether to wait without sleeping: see link.spin_wait.
    """

    def __init__(
        self,
        broker: Broker,
        codec: Codec,
        worker: str,
        number: int,
        queues: tuple[str, ...],
        *,
        spin: bool = False,
        release: OwnRelease = NO_RELEASE,
        on_standing: Callable[[], object] = lambda: None,
    ):
        self._link = broker.link("worker-executor", spin=spin)
        self._frame_writer = FrameWriter(broker.keys, codec, broker.lease_ms)
        self._slot = Slot(worker, number, QueueOrder(queues), broker.max_memory, release)
        self.opener = Opener(self._link, codec)
        self._pieces = PieceLink(broker)
        self.counts = CountReporter(self._link, release.name)
        self._bells = Bells(broker.keys, queues, worker, on_standing)

    @property
    def worker(self) -> str:
        """The id it works under."""
        return self._slot.worker

    @property
    def slot(self) -> str:
        """The name of its lease."""
        return self._slot.name

    def work_as(self, worker: str) -> None:
        """Go on under another worker id, after the process has registered again."""
        self._slot.work_as(worker)
        self._bells.work_as(worker)

    def settle_and_claim(
        self,
        settlement: Settlement | None,
        *,
        claim: bool = True,
        while_waiting: Callable[[], None] | None = None,
    ) -> Claim | None:
        """Settle what is held and claim the next request, in one trip. Safe to call again.

        Args:
            while_waiting: called while the broker is at it; perhaps not at all, or more than once.

        Returns:
            The claim, or None where nothing can be started now.

        Raises:
            BrokerUnavailable: fate unknown; call again with the same arguments.
            BrokerFull: nothing was done; call again with the same arguments in a while.
            Fenced: this worker has been given up; nothing was settled or claimed.
        """
        self.counts.report_if_due(self.worker)
        if settlement is None:
            return self._taken(self._ask(self._slot.settle_and_claim(None, claim)))

        reply = self._frame_writer.send(
            "settle_and_claim",
            self._link,
            settlement.frame,
            self._slot.secret_index,
            lambda written: self._slot.settle_and_claim(settlement, claim, written),
            while_waiting=while_waiting,
        )
        taken = self._taken(reply)
        self.counts.settled(settlement)
        return taken

    def wait(self) -> Claim | None:
        """Block until a bell rings, or for a while (see Bells), then claim, in one trip."""
        self.counts.report_if_due(self.worker)
        bells = self._bells.command(self.counts.idle_for(BLOCK_FOR))
        try:
            next_one = self._slot.settle_and_claim(None, True)
            reply = self._ask(next_one, sent_ahead=bells, timeout=BLOCK_FOR + MARGIN)
            claim = self._taken(reply)
        except BrokerRefused as error:
            self._bells.refused(error)
            time.sleep(LOOK_EVERY)
            return self.settle_and_claim(None)  # what that trip may have claimed is given again
        self._bells.heard()
        return claim

    def _ask(self, arguments: Arguments, **options: Any) -> RedisReply:
        return self._link.script("settle_and_claim", *arguments, **options)

    def _taken(self, reply: RedisReply) -> Claim | None:
        while (taken := self._slot.taken(reply)) is None:
            reply = self._ask(self._slot.settle_and_claim(None, True))  # what was to be settled is
        self._bells.listen_after(taken)
        return None if isinstance(taken, Idle) else taken

    def push(self, claim: Claim, frame: Frame) -> bool:
        """Send one frame of a streamed answer; False where nobody reads it any more.

        Raises:
            Fenced: the lease is lost; the answer is not this thread's to give.
            BrokerFull: nothing was done; call again in a while.
        """
        slot = self._slot
        reply = self._frame_writer.send(
            "push", self._link, frame, slot.secret_index, lambda written: slot.push(claim, written)
        )
        return is_wanted(reply)

    def wanted(self, claim: Claim) -> bool:
        """Whether a front still holds a client for it."""
        return is_held(claim, self._link.commands([held_command(self._link.keys, claim)])[0])

    def open(self, claim: Claim) -> Envelope:
        """Verify and decode; see Opener.

        Raises:
            DecodeError: it is malformed, altered, forged or too late; refuse it.
            BrokerUnavailable: the time could not be read now; call again.
        """
        envelope = self.opener.open(claim)
        self._slot.secret_index = envelope.secret_index
        return envelope

    def pieces(self, claim: Claim, count: int) -> PieceReader:
        """Make the reader of a body that the front keeps.

        Args:
            count: pieces of it.
        """
        return PieceReader(self._pieces, claim, self.slot, count)

    def close(self) -> None:
        """Report what was counted and drop the link."""
        with suppress(BrokerUnavailable, SchemaMismatch):
            self.counts.report(self.worker)
        self._pieces.close()
        self._link.close()
