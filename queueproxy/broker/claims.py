"""A claimed request and its settlement, as an executor thread and the broker exchange them."""

from typing import NamedTuple

import msgspec

from ..envelopes import Codec, Envelope, Frame, RequestHead
from ..exceptions import DecodeError
from ..records import Meta, parse
from ..signing import WIRE_VERSION
from .encoded_request import group_limit
from .frame_writing import NO_FRAME
from .link.links import Link
from .link.protocol import RedisReply
from .own_release import NO_RELEASE

RETRIED = "retried"  # run again, after a worker was lost with it
REPLAYED = "replayed"  # not run: answered with what an earlier attempt, or request, has stored


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
    front: str
    max_attempts: int
    group: str | None = None
    at_most: int = 0
    release: str | None = None

    @property
    def registration(self) -> str:
        """As `registration` of scripts/_common.lua: names this one among those of its id."""
        return f"{self.id} {self.entry}"


class Settlement(NamedTuple):
    """Ends a lease: ``outcome`` is one of scripts/settle_and_claim.lua, or a refusal's reason.

    ``proof``, of a refusal: that the request was not run (see envelopes.NotRun). ``once``, of an
    answer to what is to happen once: RETRIED, REPLAYED or empty. ``route``: by which it was run, as
    `route_counts` names it; empty where it was not. ``head`` and
    ``first_byte``, of what was run: the request's, and the seconds until its answer began; 0 where
    nothing was sent.
    """

    claim: Claim
    outcome: str
    frame: Frame | None = None
    method: str = ""
    ran: float = 0.0  # seconds
    status: int = 0
    proof: str = ""
    once: str = ""
    route: str = ""
    head: RequestHead | None = None
    first_byte: float = 0.0  # seconds


def claim_of(reply: RedisReply) -> Claim:
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
        front=meta.front,
        max_attempts=meta.max_attempts,
        group=meta.group,
        at_most=meta.at_most,
        release=meta.release,
    )


def settlement_arguments(settlement: Settlement | None) -> tuple[str, int, str, str]:
    """List the arguments ``settle`` to ``proof`` of the script ``settle_and_claim``."""
    if settlement is None:
        return ("", 0, "", "")
    claim, outcome, *_ = settlement
    return (claim.registration, claim.attempt, outcome, settlement.proof)


def fail_claim(link: Link, worker: str, thread: int, claim: Claim, reason: str) -> None:
    """End the lease of a thread that does not return; nothing happens where it has ended by itself.

    The request is not run again. To be called where the thread claims nothing more.

    Raises:
        BrokerUnavailable: fate unknown; call again, or leave it to the end of the lease.
    """
    settling = (claim.registration, claim.attempt, reason, "")
    common = (worker, f"{worker}/{thread}", *NO_RELEASE, "given-up", 0, WIRE_VERSION)
    link.script("settle_and_claim", *common, *settling, *NO_FRAME, 0)


def verified(claim: Claim, codec: Codec) -> Envelope:
    """Verify the request that was claimed, and decode it.

    Raises:
        DecodeError: it is malformed, altered or forged; refuse it.
    """
    envelope = codec.decode_request(claim.version, claim.head, claim.body, claim.signature)
    head = envelope.head
    signed = (head.id, head.queue, head.front, head.max_attempts, *group_limit(head))
    told = (claim.id, claim.queue, claim.front, claim.max_attempts, claim.group, claim.at_most)
    if (*signed, head.release) != (*told, claim.release or ""):
        raise DecodeError("The entry does not say what its signed head says.")
    return envelope
