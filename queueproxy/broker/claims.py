"""A claimed request and its settlement, as an executor thread and the broker exchange them."""

from typing import NamedTuple

import msgspec

from ..envelopes import WIRE_VERSION, Codec, Envelope, Frame
from ..exceptions import DecodeError, ErrorReply
from ..records import Meta, parse
from .frame_writing import NO_FRAME
from .link.links import Link
from .link.protocol import checked

CHUNKS_AT_ONCE = 4  # of a body, in one trip: the broker keeps an answer until it is read


class Claim(msgspec.Struct, frozen=True):
    """A lease on one request, as it came: not decoded, not verified."""

    id: str
    queue: str
    entry: str
    attempt: int
    waited_ms: int
    version: str
    head: bytes
    body: bytes
    signature: bytes
    chunks: int
    front: str
    max_attempts: int

    @property
    def registration(self) -> str:
        """As `registration` of scripts/_common.lua: names this one among those of its id."""
        return f"{self.id} {self.entry}"


class Settlement(NamedTuple):
    """Ends a lease: ``outcome`` is ``answered``, ``released``, or the reason of a refusal."""

    claim: Claim
    outcome: str
    frame: Frame | None = None
    method: str = ""
    ran: float = 0.0  # seconds
    status: int = 0


def claim_of(reply: list) -> Claim:
    """Make a claim of a reply of the script ``settle_and_claim``."""
    _, queue, entry, attempt, waited_ms, flat = reply
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    meta = parse(Meta, fields[b"m"])
    return Claim(
        id=meta.id,
        queue=queue.decode(),
        entry=entry.decode(),
        attempt=attempt,
        waited_ms=waited_ms,
        version=fields.get(b"v", b"").decode("latin-1"),
        head=fields.get(b"h", b""),
        body=fields.get(b"b", b""),
        signature=fields.get(b"s", b""),
        chunks=meta.chunks,
        front=meta.front,
        max_attempts=meta.max_attempts,
    )


def settlement_arguments(settlement: Settlement | None) -> tuple:
    """List the arguments ``settle`` to ``outcome`` of the script ``settle_and_claim``."""
    if settlement is None:
        return ("", 0, "")
    claim, outcome, *_ = settlement
    return (claim.registration, claim.attempt, outcome)


def fail_claim(link: Link, worker: str, thread: int, claim: Claim, reason: str) -> None:
    """End the lease of a thread that does not return; nothing happens where it has ended by itself.

    The request is not run again. To be called where the thread claims nothing more.

    Raises:
        BrokerUnavailable: fate unknown; call again, or leave it to the end of the lease.
    """
    settling = (claim.registration, claim.attempt, reason)
    common = (worker, f"{worker}/{thread}", "given-up", 0, WIRE_VERSION)
    link.script("settle_and_claim", *common, *settling, *NO_FRAME, 0)


def fetch_chunks(link: Link, claim: Claim) -> bytes:
    """Fetch the body of a claimed request that stands in chunks beside it.

    Raises:
        DecodeError: a chunk is missing; refuse the request.
        BrokerUnavailable: the chunks could not be read now; call again.
    """
    key = link.keys.named("body", claim.id)
    parts: list = []
    while len(parts) < claim.chunks:
        numbers = range(len(parts), min(len(parts) + CHUNKS_AT_ONCE, claim.chunks))
        replies = link.commands([("HGET", key, number) for number in numbers])
        parts += map(_unless_of_another_type, replies)
    if not all(isinstance(part, bytes) for part in parts):
        raise DecodeError("A chunk of the body is missing.")
    return b"".join(parts)


def _unless_of_another_type(reply: object) -> object:
    try:
        return checked(reply)
    except ErrorReply as error:
        if error.code != "WRONGTYPE":
            raise
        raise DecodeError("The key of its body holds another type.") from error


def verified(claim: Claim, body: bytes, codec: Codec) -> Envelope:
    """Verify the request that was claimed, and decode it.

    Args:
        body: the whole of it.

    Raises:
        DecodeError: it is malformed, altered or forged; refuse it.
    """
    envelope = codec.decode_request(claim.version, claim.head, body, claim.signature)
    head = envelope.head
    signed = (head.id, head.queue, head.front, head.max_attempts)
    if signed != (claim.id, claim.queue, claim.front, claim.max_attempts):
        raise DecodeError("The entry does not say what its signed head says.")
    return envelope
