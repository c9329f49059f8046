"""A front's place at the broker: enqueues, withdraws, reads replies, keeps its lease."""

import secrets
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from ..envelopes import WIRE_VERSION
from .handle import Broker
from .link.links import BULKY
from .link.protocol import unless_fenced, unless_refused

BLOCK_FOR = 10.0  # seconds a read of replies waits
MARGIN = 5.0  # seconds an answer may come after the end of a block
READ_AT_ONCE = 128  # replies

Why = Literal["left", "expired"]  # a client has gone; its hold is over


class EncodedRequest(msgspec.Struct, frozen=True):
    """One request on its way to the broker, encoded and signed; ``body`` is empty where chunked."""

    id: str
    queue: str
    hold_ms: int
    max_attempts: int
    size: int
    chunks: int
    head: bytes
    body: bytes
    signature: bytes


class Limits(NamedTuple):
    """What the broker holds at most: requests a queue, bytes a namespace."""

    depth: int
    memory: int


class FrontRegistration(NamedTuple):
    """How a front stands with the broker.

    Attributes:
        taken: the number of the last enqueue the broker took; 0 where it knows none.
        spell: names the server's run and the time the front has been on its list without a gap.
            While it stays the same, the broker still has all it took.
    """

    taken: int
    spell: str


class Notice(msgspec.Struct, frozen=True):
    """What the broker itself says of a request: why nobody answers it."""

    id: str
    reason: str
    attempt: int = 0


class RawReply(NamedTuple):
    """A reply frame as it came: not verified, not decoded."""

    version: str
    head: bytes
    body: bytes
    signature: bytes


_decode_notice = msgspec.json.Decoder(Notice).decode


class FrontBroker:
    """What one front asks of the broker. Safe to call again after BrokerUnavailable, each of it.

    Args:
        broker: makes the two links: one for the blocking read of replies, one for all else.
        front: this front's id.
        queues: swept for bells nobody heard.
        limits: of what the broker may hold.
        lease: seconds, where it is not the broker's; the front is given up after twice that
            without a heartbeat.
    """

    def __init__(
        self,
        broker: Broker,
        front: str,
        queues: Sequence[str],
        limits: Limits,
        lease: float | None = None,
    ):
        self.front = front
        self._link = broker.async_link("front-requests")
        self._replies = broker.async_link("front-replies")
        self._lease_ms = int((lease or broker.lease) * 2000)
        self._queues = queues
        self._limits = limits
        self._read_up_to = b"0"
        self._replies_key = broker.keys.named("replies", front)

    async def join(self, info: dict) -> FrontRegistration:
        """Register, or register again after anything that made the broker's answers uncertain."""
        raw = msgspec.json.encode(info)
        taken, since = await self._link.script("front_join", self.front, self._lease_ms, raw)
        return FrontRegistration(taken, f"{self._link.run_id} {int(since)}")

    async def beat(self) -> int:
        """Extend the lease and sweep; how many requests the broker holds for this front.

        Raises:
            Fenced: it was given up; join and reconcile.
        """
        return unless_fenced(
            await self._link.script("front_beat", self.front, self._lease_ms, *self._queues)
        )

    async def sample(self) -> None:
        """Write a row of history, if no front has for this second."""
        await self._link.script("sample", *self._queues)

    async def enqueue(self, first: int, requests: Sequence[EncodedRequest]) -> None:
        """Put a batch on the queues in one trip; refusals come as notices.

        Args:
            first: the running number of the first; a number is taken once, however often sent.

        Raises:
            Fenced: this front was given up; join, reconcile, then send again.
        """
        args: list = []
        for request in requests:
            args += (
                request.queue,
                f"{request.id} {self.front} {request.hold_ms} {request.size} {request.chunks} "
                f"{request.max_attempts}",
                WIRE_VERSION,
                request.head,
                request.body,
                request.signature,
            )
        bulky = any(len(request.body) > BULKY for request in requests)
        unless_fenced(
            await self._link.script("enqueue", self.front, first, *self._limits, *args, bulky=bulky)
        )

    async def stage(self, id: str, number: int, chunk: bytes, expires: float) -> bool:
        """Keep one chunk of a large body; False where the broker's bytes are used up."""
        expires_ms = int(expires * 1000)
        reply = await self._link.script(
            "stage",
            self.front,
            id,
            number,
            chunk,
            self._limits.memory,
            expires_ms,
            bulky=len(chunk) > BULKY,
        )
        return unless_fenced(reply) == b"ok"

    async def withdraw(self, ids: Sequence[str], why: Why = "left") -> list[str]:
        """For each: ``withdrawn`` (it never started), ``started``, ``in_flight`` or ``gone``.

        Args:
            why: for the statistics.
        """
        replies = await self._link.script("withdraw", self.front, why, *ids)
        return [reply.decode() for reply in replies]

    async def missing(self, ids: Sequence[str]) -> list[str]:
        """Those of the requests that the broker no longer holds for this front."""
        return [id.decode() for id in await self._link.script("reconcile", self.front, *ids)]

    async def held(self) -> list[str]:
        """Every request the broker holds for this front."""
        key = self._link.keys.named("held", self.front)
        (ids,) = await self._link.commands([("HKEYS", key)])
        return [id.decode() for id in unless_refused(ids)]

    async def credit(self, credits: Sequence[tuple[str, int]]) -> None:
        """Tell workers how many bytes of their streamed answers the clients have taken."""
        flat = [part for credit in credits for part in credit]
        await self._link.script("credit", self.front, *flat)

    async def leave(self) -> None:
        """Take the name off; what is still held is dropped unless it is in flight."""
        while await self._link.script("front_leave", self.front) == b"again":
            pass

    async def read(self) -> list[RawReply | Notice]:
        """The next replies, oldest first; those read before are deleted on the same trip.

        Nothing is lost with the connection: replies stay until the read after theirs.
        """
        commands: list = []
        if self._read_up_to != b"0":
            commands.append(("XTRIM", self._replies_key, "MINID", _after(self._read_up_to)))
        wait = ("BLOCK", int(BLOCK_FOR * 1000))
        commands.append(
            ("XREAD", "COUNT", READ_AT_ONCE, *wait, "STREAMS", self._replies_key, self._read_up_to)
        )
        replies = await self._replies.commands(commands, BLOCK_FOR + MARGIN)
        *_, found = map(unless_refused, replies)
        if not found:
            return []
        entries = found[0][1]
        self._read_up_to = entries[-1][0]
        return [_reply(fields) for _, fields in entries]

    async def catch_up(self) -> list[RawReply | Notice]:
        """What stands in the replies now, read on the other link while a blocking read may run."""
        read = ("XREAD", "COUNT", READ_AT_ONCE, "STREAMS", self._replies_key)
        found: list[RawReply | Notice] = []
        position = self._read_up_to
        while True:
            (answer,) = await self._link.commands([(*read, position)])
            if not unless_refused(answer):
                return found
            entries = answer[0][1]
            position = entries[-1][0]
            found += [_reply(fields) for _, fields in entries]

    def forget_position(self) -> None:
        """Start over on the replies: the broker has lost them, or they are another server's."""
        self._read_up_to = b"0"

    async def close(self) -> None:
        """Drop both links."""
        await self._replies.close()
        await self._link.close()


def new_front_id(host: str, pid: int) -> str:
    """Unique for each start, readable by people."""
    return f"{host}:{pid}:{secrets.token_hex(4)}"


def _after(entry_id: bytes) -> str:
    ms, seq = entry_id.split(b"-")
    return f"{ms.decode()}-{int(seq) + 1}"


def _reply(fields: list) -> RawReply | Notice:
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    if b"n" in named:
        return _decode_notice(named[b"n"])
    return RawReply(
        named.get(b"v", b"").decode("latin-1"),
        named.get(b"h", b""),
        named.get(b"b", b""),
        named.get(b"s", b""),
    )
