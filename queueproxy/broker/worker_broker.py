"""Asks the broker for an executor thread: claim requests, push and settle their answers."""

from collections.abc import Callable
from contextlib import suppress

from ..envelopes import WIRE_VERSION, Codec, Envelope, Frame
from ..exceptions import (
    BrokerFull,
    BrokerRefused,
    BrokerUnavailable,
    SchemaMismatch,
)
from ..records import Held, parse
from .bells import BLOCK_FOR, Bells
from .claims import Claim, Settlement, claim_of, settlement_arguments
from .counters import COUNT_EVERY, CountReporter
from .frame_writing import NOTHING_WRITTEN, FrameWriter, WrittenFrame
from .handle import Broker
from .link.protocol import Command, checked, unless_fenced
from .opener import Opener
from .piece_reader import PieceLink, PieceReader
from .queue_order import QueueOrder

AGAIN = b"again"
IDLE = b"idle"
GONE = b"gone"
FULL = b"full"
MARGIN = 5.0  # seconds an answer may come after the end of a block


class WorkerBroker:
    """Asks the broker for one thread, which has at most one lease and one blocking link.

    Args:
        broker: makes this thread's own link.
        codec: to sign reply frames with.
        worker: id of the worker process (it changes when it had to register again).
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
    ):
        self._link = broker.link("worker-executor", spin=spin)
        self._max_memory = broker.max_memory
        self._frames = FrameWriter(broker.keys, codec, broker.lease_ms)
        self._opener = Opener(self._link, codec)
        self._pieces = PieceLink(broker)
        self._number = number
        self._queues = QueueOrder(queues)
        self._call = 0
        self.counts = CountReporter(self._link)
        self._bells = Bells(broker.keys, queues)
        self.work_as(worker)

    def work_as(self, worker: str) -> None:
        """Go on under another worker id, after the process has registered again."""
        self.worker = worker
        self.slot = f"{worker}/{self._number}"
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
            return self._taken(self._call_script(None, claim))

        def send(written: WrittenFrame) -> object:
            return self._call_script(
                settlement, claim, written, written.value, while_waiting=while_waiting
            )

        taken = self._taken(self._frames.send(settlement.frame, self._opener.key, send))
        self.counts.settled(settlement)
        return taken

    def wait(self) -> Claim | None:
        """Block until a bell rings, or for a while (see Bells), then claim, in one trip."""
        self.counts.report_if_due(self.worker)
        bells = self._bells.command(COUNT_EVERY if self.counts.pending else BLOCK_FOR)
        try:
            reply = self._call_script(None, True, sent_ahead=bells, timeout=BLOCK_FOR + MARGIN)
            claim = self._taken(reply)
        except BrokerRefused as error:
            self._bells.refused(error)
            return self.settle_and_claim(None)  # what that trip may have claimed is given again
        self._bells.heard()
        return claim

    def _call_script(
        self,
        settlement: Settlement | None,
        claim: bool,
        written: WrittenFrame = NOTHING_WRITTEN,
        sent_ahead: Command | None = None,
        **options,
    ) -> object:
        return self._link.script(
            "settle_and_claim",
            *(self.worker, self.slot, self._call, int(claim), WIRE_VERSION),
            *settlement_arguments(settlement),
            *written.arguments,
            self._max_memory,
            *self._queues,
            sent_ahead=sent_ahead,
            bulky=written.is_bulky,
            **options,
        )

    def _taken(self, reply: object) -> Claim | None:
        while True:
            unless_fenced(reply)
            if reply[0] == FULL:
                raise BrokerFull
            if reply[0] != AGAIN:
                break
            reply = self._call_script(None, True)  # what was to be settled is
        self._call += 1
        if reply[0] != IDLE:
            return self._queues.claimed(claim_of(reply))
        self._bells.look_again_in(reply[1], *map(bytes.decode, reply[2:]))
        return None

    def push(self, claim: Claim, frame: Frame) -> bool:
        """Send one frame of a streamed answer; False where nobody reads it any more.

        Raises:
            Fenced: the lease is lost; the answer is not this thread's to give.
            BrokerFull: nothing was done; call again in a while.
        """
        lease = (self.worker, self.slot, claim.id, claim.entry, claim.attempt)

        def send(written: WrittenFrame) -> object:
            return self._link.script(
                "push",
                *lease,
                *written.arguments,
                self._max_memory,
                sent_ahead=written.value,
                bulky=written.is_bulky,
            )

        reply = self._frames.send(frame, self._opener.key, send)
        if reply == FULL:
            raise BrokerFull
        return unless_fenced(reply) != GONE

    def wanted(self, claim: Claim) -> bool:
        """Whether a front still holds a client for it."""
        key = self._link.keys.named("held", claim.front)
        record = checked(self._link.commands([("HGET", key, claim.id)])[0])
        held = parse(Held, record) if record else None
        return held is not None and (held.queue, held.entry) == (claim.queue, claim.entry)

    def open(self, claim: Claim) -> Envelope:
        """Verify and decode; see Opener.

        Raises:
            DecodeError: it is malformed, altered, forged or too late; refuse it.
            BrokerUnavailable: the time could not be read now; call again.
        """
        return self._opener.open(claim)

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
