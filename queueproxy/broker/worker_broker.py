"""What an executor thread asks of the broker: claim requests, push and settle their answers."""

import logging
import time
from collections.abc import Callable

from ..envelopes import WIRE_VERSION, Codec, Envelope, Frame, RequestHead
from ..exceptions import BrokerFull, BrokerRefused, BrokerUnavailable, RequestExpired
from ..records import Held, parse
from .broker_time import QUESTION, BrokerTime
from .claims import Claim, Settlement, claim_of, fetch_chunks, settlement_arguments, verified
from .counters import COUNT_EVERY, CountReporter
from .handle import Broker
from .link.connect import ANSWER_WITHIN
from .link.links import BULKY
from .link.protocol import checked, unless_fenced

logger = logging.getLogger("queueproxy.worker")

AGAIN = b"again"
IDLE = b"idle"
GONE = b"gone"
FULL = b"full"
BLOCK_FOR = 15.0  # seconds an idle thread waits for a bell before it looks by itself
LOOK_EVERY = 1.0  # seconds between looks of a thread that can't block
MARGIN = 5.0  # seconds an answer may come after the end of a block


class WorkerBroker:
    """One thread's dealings with the broker: at most one lease, one blocking link.

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
        self._max_memory = broker.max_memory
        self._codec = codec
        self._key = 0  # number of the secret with which the held request is signed
        self._time = BrokerTime()
        self._number = number
        self._queues = queues
        self._call = 0
        self._block = BLOCK_FOR
        self.counts = CountReporter(self._link)
        self._deaf = False  # the broker refuses to block
        self._bells = tuple(broker.keys.named("bell", queue) for queue in queues)
        self.work_as(worker)

    def work_as(self, worker: str) -> None:
        """Go on under another worker id, after the process has registered again."""
        self.worker = worker
        self.slot = f"{worker}/{self._number}"
        self._stop_bell = self._link.keys.named("bell", f"@{worker}")

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
        taken = self._take(self._arguments(settlement, claim), None, while_waiting, bulky)
        if settlement is not None and settlement.outcome == "answered":
            held, _, _, method, ran, status = settlement
            self.counts.add(held.queue, held.waited_ms / 1000, ran, method, status)
        return taken

    def wait(self) -> Claim | None:
        """Block until a bell rings (or BLOCK_FOR is over), then claim, in one trip.

        Where the broker refuses to block, look by itself every LOOK_EVERY seconds.
        """
        self.counts.report_if_due(self.worker)
        block = min(self._block, COUNT_EVERY) if self.counts.pending else self._block
        bells = ("BLPOP", *self._bells, self._stop_bell, block)
        try:
            claim = self._take(self._arguments(None, True), bells)
        except BrokerRefused as error:
            if error.command != bells[0]:
                raise
            self._note_deaf(error)
            time.sleep(LOOK_EVERY)
            return self.settle_and_claim(None)  # what that trip may have claimed is given again
        self._note_deaf(None)
        return claim

    def _note_deaf(self, error: BrokerRefused | None) -> None:
        if error and not self._deaf:
            logger.warning("%s. Looking for requests every %g s.", error, LOOK_EVERY)
        elif self._deaf and not error:
            logger.info("The broker takes BLPOP again.")
        self._deaf = error is not None

    def _take(
        self,
        arguments: tuple,
        before: tuple | None,
        while_waiting: Callable[[], None] | None = None,
        bulky: bool = False,
    ) -> Claim | None:
        while True:
            timeout = BLOCK_FOR + MARGIN if before else ANSWER_WITHIN
            reply = self._link.script(
                "settle_and_claim",
                *arguments,
                before=before,
                timeout=timeout,
                while_waiting=while_waiting,
                bulky=bulky,
            )
            unless_fenced(reply)
            if reply[0] == FULL:
                raise BrokerFull
            if reply[0] != AGAIN:
                break
            before = None
        self._call += 1
        if reply[0] != IDLE:
            return claim_of(reply)
        # A pause ends, or a pace goes on, without anybody ringing.
        self._block = min(BLOCK_FOR, reply[1] / 1000) if reply[1] else BLOCK_FOR
        return None

    def _arguments(self, settlement: Settlement | None, claim: bool) -> tuple:
        common = (self.worker, self.slot, self._call, int(claim), WIRE_VERSION)
        settling = settlement_arguments(settlement, self._codec, self._key)
        return (*common, *settling, self._max_memory, *self._queues)

    def push(self, claim: Claim, frame: Frame) -> bool:
        """Send one frame of a streamed answer; False where nobody reads it any more.

        Raises:
            Fenced: the lease is lost; the answer is not this thread's to give.
            BrokerFull: nothing was done; call again in a while.
        """
        head, signature = self._codec.encode_reply(frame, self._key)
        reply = self._link.script(
            "push",
            self.worker,
            self.slot,
            claim.id,
            claim.entry,
            claim.attempt,
            WIRE_VERSION,
            head,
            frame.body,
            signature,
            self._max_memory,
            bulky=len(frame.body) > BULKY,
        )
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
        """Fetch the chunks, verify and decode; see that it may still be started.

        Raises:
            DecodeError: it is malformed, altered, forged or too late; refuse it.
            BrokerUnavailable: the chunks or the time could not be read now; call again.
        """
        body = fetch_chunks(self._link, claim) if claim.chunks else claim.body
        envelope = verified(claim, body, self._codec)
        self._key = envelope.key
        self._see_that_it_may_start(envelope.head)
        return envelope

    def _see_that_it_may_start(self, head: RequestHead) -> None:
        if self._time.look_is_due or not self._time.allows(head.expires, head.hold_ms):
            asked_at = self._time.asking()
            (answer,) = self._link.commands([QUESTION])
            self._time.told(checked(answer), asked_at)
            if not self._time.allows(head.expires, head.hold_ms):
                raise RequestExpired

    def close(self) -> None:
        """Report what was counted and drop the link."""
        try:
            self.counts.report(self.worker)
        except BrokerUnavailable:
            pass
        self._link.close()
