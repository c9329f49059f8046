"""An executor thread's seat at the broker: takes requests off, sends answers back."""

from dataclasses import dataclass
from typing import NamedTuple

from ..envelopes import WIRE_VERSION, Codec, Envelope, Frame
from ..exceptions import DecodeError, Fenced
from .links import Link

FENCED = b"fenced"
AGAIN = b"again"
IDLE = b"idle"
GONE = b"gone"
BLOCK_FOR = 15.0  # seconds an idle thread waits for a bell before it looks by itself
MARGIN = 5.0  # seconds an answer may come after the end of a block


@dataclass(frozen=True, slots=True)
class Claim:
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
    run_us: int = 0
    status: int = 0


class Seat:
    """One thread's place: at most one lease, one blocking link.

    Args:
        link: this thread's own.
        codec: to sign reply frames with.
        worker: id of the worker process (it changes when it had to register again).
        number: the thread's number in the process.
        queues: what it serves, in strict order.
    """

    def __init__(self, link: Link, codec: Codec, worker: str, number: int, queues: tuple[str, ...]):
        self._link = link
        self._codec = codec
        self._number = number
        self._queues = queues
        self._turn = 0
        self._block = BLOCK_FOR
        self._bells = tuple(link.keys.named("bell", queue) for queue in queues)
        self.sit(worker)

    def sit(self, worker: str) -> None:
        """Take the place under another worker id."""
        self.worker = worker
        self.slot = f"{worker}/{self._number}"
        self._stop_bell = self._link.keys.named("bell", f"@{worker}")

    def turn(self, settlement: Settlement | None, *, claim: bool = True) -> Claim | None:
        """Settle what is held and claim the next request, in one trip. Safe to call again.

        Returns:
            The claim, or None where nothing can be started now.

        Raises:
            BrokerUnavailable: fate unknown; call again with the same arguments.
            Fenced: this worker has been given up; nothing was settled or claimed.
        """
        return self._take(self._arguments(settlement, claim), None)

    def wait(self) -> Claim | None:
        """Block until a bell rings (or BLOCK_FOR is over), then claim, in one trip."""
        bells = ("BLPOP", *self._bells, self._stop_bell, self._block)
        return self._take(self._arguments(None, True), bells)

    def _take(self, arguments: tuple, before: tuple | None) -> Claim | None:
        while True:
            timeout = BLOCK_FOR + MARGIN if before else MARGIN
            reply = self._link.script("turn", *arguments, before=before, timeout=timeout)
            if reply[0] != AGAIN:
                break
            before = None
        if reply[0] == FENCED:
            raise Fenced
        self._turn += 1
        if reply[0] != IDLE:
            return _claim(reply)
        # A pause ends, or a pace goes on, without anybody ringing.
        self._block = min(BLOCK_FOR, reply[1] / 1000) if reply[1] else BLOCK_FOR
        return None

    def _arguments(self, settlement: Settlement | None, claim: bool) -> tuple:
        common = (self.worker, self.slot, self._turn, int(claim), WIRE_VERSION)
        if settlement is None:
            return (*common, "", 0, "", "", "", "", "", "", 0, 0, *self._queues)
        held, outcome, frame, method, run_us, status = settlement
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
            method,
            status,
            run_us,
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
        )
        if reply == FENCED:
            raise Fenced
        return reply != GONE

    def credit(self, claim: Claim, timeout: float) -> int:
        """Wait for the client to take more of a streamed answer; bytes taken, 0 at the timeout."""
        flow = self._link.keys.named("flow", claim.id)
        reply = self._link.commands([("BLPOP", flow, timeout)], timeout + MARGIN)[0]
        return int(reply[1]) if isinstance(reply, list) else 0

    def wanted(self, claim: Claim) -> bool:
        """Whether a front still holds a client for it."""
        key = self._link.keys.named("held", claim.front)
        return self._link.commands([("HEXISTS", key, claim.id)])[0] == 1

    def open(self, claim: Claim) -> Envelope:
        """Fetch the chunks, verify and decode.

        Raises:
            DecodeError: it is malformed, altered or forged; refuse it.
            BrokerUnavailable: the chunks could not be read now; call again.
        """
        body = claim.body
        if claim.chunks:
            key = self._link.keys.named("body", claim.id)
            parts = [
                self._link.commands([("HGET", key, number)])[0] for number in range(claim.chunks)
            ]
            if not all(isinstance(part, bytes) for part in parts):
                raise DecodeError("A chunk of the body is missing.")
            body = b"".join(parts)
        envelope = self._codec.decode_request(claim.version, claim.head, body, claim.signature)
        head = envelope.head
        told = (head.id, head.queue, head.front, head.max_attempts)
        if told != (claim.id, claim.queue, claim.front, claim.most_attempts):
            raise DecodeError("The entry does not say what its signed head says.")
        return envelope

    def close(self) -> None:
        """Drop the link."""
        self._link.close()


def _claim(reply: list) -> Claim:
    fields = dict(zip(reply[5::2], reply[6::2], strict=True))
    return Claim(
        id=fields[b"i"].decode("latin-1"),
        queue=reply[1].decode(),
        attempt=reply[3],
        waited_ms=reply[4],
        version=fields.get(b"v", b"").decode("latin-1"),
        head=fields[b"h"],
        body=fields.get(b"b", b""),
        signature=fields.get(b"s", b""),
        chunks=int(fields[b"c"]),
        front=fields[b"f"].decode("latin-1"),
        most_attempts=int(fields[b"a"]),
    )
