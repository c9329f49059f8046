"""An executor thread's worker_broker at the broker: takes requests off, sends answers back."""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ..envelopes import WIRE_VERSION, Codec, Envelope, Frame
from ..exceptions import BrokerRefused, BrokerUnavailable, DecodeError, ErrorReply
from .counters import Counters
from .handle import Broker
from .link.connect import ANSWER_WITHIN
from .link.links import BULKY
from .link.protocol import checked, unless_fenced, unless_refused

logger = logging.getLogger("queueproxy.worker")

AGAIN = b"again"
IDLE = b"idle"
GONE = b"gone"
BLOCK_FOR = 15.0  # seconds an idle thread waits for a bell before it looks by itself
LOOK_EVERY = 1.0  # seconds between looks of a thread that can't block
COUNT_EVERY = 0.25  # seconds between reports to the statistics
CHUNKS_AT_ONCE = 4  # of a body, in one trip: the broker keeps an answer until it is read
MARGIN = 5.0  # seconds an answer may come after the end of a block


class Claim(msgspec.Struct, frozen=True):
    """A lease on one request, as it came: not decoded, not verified."""

    id: str
    queue: str
    attempt: int
    waited_ms: int
    version: str
    head: bytes
    body: bytes
    signature: bytes
    chunks: int
    front: str
    most_attempts: int


class Settlement(NamedTuple):
    """How a lease ends. ``outcome`` is ``answered``, ``released``, or the reason of a refusal."""

    claim: Claim
    outcome: str
    frame: Frame | None = None
    method: str = ""
    ran: float = 0.0  # seconds
    status: int = 0


class WorkerBroker:
    """One thread's place: at most one lease, one blocking link.

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
        self._codec = codec
        self._number = number
        self._queues = queues
        self._call = 0
        self._block = BLOCK_FOR
        self._deaf = False  # the broker refuses to block
        self._counters = Counters()
        self._counts_due = 0.0
        self._bells = tuple(broker.keys.named("bell", queue) for queue in queues)
        self.sit(worker)

    def sit(self, worker: str) -> None:
        """Take the place under another worker id."""
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
            Fenced: this worker has been given up; nothing was settled or claimed.
        """
        if self._counters.completed and time.monotonic() >= self._counts_due:
            self.send_counts()
        frame = settlement and settlement.frame
        bulky = frame is not None and len(frame.body) > BULKY
        taken = self._take(self._arguments(settlement, claim), None, while_waiting, bulky)
        if settlement is not None and settlement.outcome == "answered":
            held, _, _, method, ran, status = settlement
            self._counters.add(held.queue, held.waited_ms / 1000, ran, method, status)
        return taken

    def wait(self) -> Claim | None:
        """Block until a bell rings (or BLOCK_FOR is over), then claim, in one trip.

        Where the broker refuses to block, look by itself every LOOK_EVERY seconds.
        """
        block = self._block
        if self._counters.completed:
            block = min(block, COUNT_EVERY)
            if time.monotonic() >= self._counts_due:
                self.send_counts()
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

    def send_counts(self) -> None:
        """Bring the statistics up to date; what the broker does not take is lost."""
        self._counts_due = time.monotonic() + COUNT_EVERY
        if self._counters.completed:
            self._link.script("add_counts", self.worker, *self._counters.take())

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
            if reply[0] != AGAIN:
                break
            before = None
        unless_fenced(reply)
        self._call += 1
        if reply[0] != IDLE:
            return _claim(reply)
        # A pause ends, or a pace goes on, without anybody ringing.
        self._block = min(BLOCK_FOR, reply[1] / 1000) if reply[1] else BLOCK_FOR
        return None

    def _arguments(self, settlement: Settlement | None, claim: bool) -> tuple:
        common = (self.worker, self.slot, self._call, int(claim), WIRE_VERSION)
        if settlement is None:
            return (*common, "", 0, "", "", "", "", "", *self._queues)
        held, outcome, frame, *_ = settlement
        head, signature, body = b"", b"", b""
        if frame is not None:
            head, signature = self._codec.encode_reply(frame)
            body = frame.body
        return (
            *common,
            held.id,
            held.attempt,
            outcome,
            WIRE_VERSION,
            head,
            body,
            signature,
            *self._queues,
        )

    def push(self, claim: Claim, frame: Frame) -> bool:
        """Send one frame of a streamed answer; False where nobody reads it any more.

        Raises:
            Fenced: the lease is lost; the answer is not this thread's to give.
        """
        head, signature = self._codec.encode_reply(frame)
        reply = self._link.script(
            "push",
            self.worker,
            self.slot,
            claim.id,
            claim.attempt,
            WIRE_VERSION,
            head,
            frame.body,
            signature,
            bulky=len(frame.body) > BULKY,
        )
        return unless_fenced(reply) != GONE

    def credit(self, claim: Claim, timeout: float) -> int:
        """Wait for the client to take more of a streamed answer; bytes taken, 0 at the timeout."""
        flow = self._link.keys.named("flow", claim.id)
        reply = checked(self._link.commands([("BLPOP", flow, timeout)], timeout + MARGIN)[0])
        return int(reply[1]) if isinstance(reply, list) else 0

    def wanted(self, claim: Claim) -> bool:
        """Whether a front still holds a client for it."""
        key = self._link.keys.named("held", claim.front)
        return checked(self._link.commands([("HEXISTS", key, claim.id)])[0]) == 1

    def open(self, claim: Claim) -> Envelope:
        """Fetch the chunks, verify and decode.

        Raises:
            DecodeError: it is malformed, altered or forged; refuse it.
            BrokerUnavailable: the chunks could not be read now; call again.
        """
        body = self._chunks_of(claim) if claim.chunks else claim.body
        envelope = self._codec.decode_request(claim.version, claim.head, body, claim.signature)
        head = envelope.head
        told = (head.id, head.queue, head.front, head.max_attempts)
        if told != (claim.id, claim.queue, claim.front, claim.most_attempts):
            raise DecodeError("The entry does not say what its signed head says.")
        return envelope

    def _chunks_of(self, claim: Claim) -> bytes:
        key = self._link.keys.named("body", claim.id)
        parts: list = []
        while len(parts) < claim.chunks:
            numbers = range(len(parts), min(len(parts) + CHUNKS_AT_ONCE, claim.chunks))
            replies = self._link.commands([("HGET", key, number) for number in numbers])
            parts += map(_unless_of_another_type, replies)
        if not all(isinstance(part, bytes) for part in parts):
            raise DecodeError("A chunk of the body is missing.")
        return b"".join(parts)

    def close(self) -> None:
        """Report what was counted and drop the link."""
        try:
            self.send_counts()
        except BrokerUnavailable:
            pass
        self._link.close()


def _unless_of_another_type(reply: object) -> object:
    try:
        return unless_refused(reply)
    except ErrorReply as error:
        if error.code != "WRONGTYPE":
            raise
        raise DecodeError("What is kept as its body is none.") from error


def _claim(reply: list) -> Claim:
    _, queue, attempt, waited_ms, flat = reply
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    id, front, _hold, _size, chunks, most = fields[b"m"].decode("latin-1").split(" ")
    return Claim(
        id=id,
        queue=queue.decode(),
        attempt=attempt,
        waited_ms=waited_ms,
        version=fields.get(b"v", b"").decode("latin-1"),
        head=fields.get(b"h", b""),
        body=fields.get(b"b", b""),
        signature=fields.get(b"s", b""),
        chunks=int(chunks),
        front=front,
        most_attempts=int(most),
    )
