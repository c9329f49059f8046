"""Asks the broker for an executor thread: claim requests, push and settle their answers."""

import time
from collections.abc import Callable
from contextlib import suppress

from ..envelopes import Codec, Envelope, Frame
from ..exceptions import BrokerRefused, BrokerUnavailable, SchemaMismatch
from .bells import BLOCK_FOR, LOOK_EVERY, Bells
from .claims import Claim, Settlement
from .counters import COUNT_EVERY, CountReporter
from .handle import Broker
from .link.connect import ANSWER_WITHIN
from .link.links import BULKY
from .opener import Opener
from .slot import Idle, Slot, held_command, is_held, is_wanted

MARGIN = 5.0  # seconds an answer may come after the end of a block


class WorkerBroker:
    """Asks the broker for one thread, which has at most one lease and one blocking link.

    Args:
        broker: makes this thread's own link.
        codec: to sign reply frames with.
        worker: id of the worker process (it changes when it had to register again).
        number: the thread's number in the process.
        queues: what it serves, in strict order.
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
        self._slot = Slot(worker, number, queues, codec, broker.max_memory)
        self._opener = Opener(self._link, codec)
        self.counts = CountReporter(self._link)
        self._bells = Bells(broker.keys, queues)
        self._bells.work_as(worker)

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
        frame = settlement and settlement.frame
        bulky = frame is not None and len(frame.body) > BULKY
        arguments = self._slot.settle_and_claim(settlement, claim)
        taken = self._take(arguments, None, while_waiting, bulky)
        if settlement is not None:
            self.counts.settled(settlement)
        return taken

    def wait(self) -> Claim | None:
        """Block until a bell rings, or for a while (see Bells), then claim, in one trip."""
        self.counts.report_if_due(self.worker)
        bells = self._bells.command(COUNT_EVERY if self.counts.pending else BLOCK_FOR)
        try:
            claim = self._take(self._slot.settle_and_claim(None, True), bells)
        except BrokerRefused as error:
            self._bells.refused(error)
            time.sleep(LOOK_EVERY)
            return self.settle_and_claim(None)  # what that trip may have claimed is given again
        self._bells.heard()
        return claim

    def _take(
        self,
        arguments: tuple,
        sent_ahead: tuple | None,
        while_waiting: Callable[[], None] | None = None,
        bulky: bool = False,
    ) -> Claim | None:
        while True:
            timeout = BLOCK_FOR + MARGIN if sent_ahead else ANSWER_WITHIN
            reply = self._link.script(
                "settle_and_claim",
                *arguments,
                sent_ahead=sent_ahead,
                timeout=timeout,
                while_waiting=while_waiting,
                bulky=bulky,
            )
            taken = self._slot.taken(reply)
            if taken is not None:
                break
            sent_ahead = None
        if isinstance(taken, Idle):
            self._bells.look_again_in(*taken)
            return None
        return taken

    def push(self, claim: Claim, frame: Frame) -> bool:
        """Send one frame of a streamed answer; False where nobody reads it any more.

        Raises:
            Fenced: the lease is lost; the answer is not this thread's to give.
            BrokerFull: nothing was done; call again in a while.
        """
        arguments = self._slot.push(claim, frame)
        return is_wanted(self._link.script("push", *arguments, bulky=len(frame.body) > BULKY))

    def wanted(self, claim: Claim) -> bool:
        """Whether a front still holds a client for it."""
        return is_held(claim, self._link.commands([held_command(self._link.keys, claim)])[0])

    def open(self, claim: Claim) -> Envelope:
        """Verify and decode; see Opener.

        Raises:
            DecodeError: it is malformed, altered, forged or too late; refuse it.
            BrokerUnavailable: the chunks or the time could not be read now; call again.
        """
        envelope = self._opener.open(claim)
        self._slot.key = envelope.key
        return envelope

    def close(self) -> None:
        """Report what was counted and drop the link."""
        with suppress(BrokerUnavailable, SchemaMismatch):
            self.counts.report(self.worker)
        self._link.close()
