"""Asks the broker for a front: enqueue, withdraw, acknowledge streams, keep its lease."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from ..envelopes import Codec
from .broker_time import QUESTION, BrokerTime
from .encoded_request import EncodedRequest
from .handle import Broker
from .link.links import BULKY
from .link.protocol import Argument, checked, unless_fenced
from .piece_handover import hand_over
from .refusal_teller import RefusalTeller
from .replies import PiecesWanted, ReplyReader

Why = Literal["left", "expired"]  # a client has gone; its hold is over


class Limits(NamedTuple):
    """Limits what the broker holds: requests a queue; bytes a namespace, answers among them.

    Of a group (`RequestHead.group`) a quarter of either may wait: see scripts/_groups.lua.
    """

    depth: int
    memory: int


def memory_for_requests(max_memory: int) -> int:
    """Return the bytes up to which the broker takes requests; a quarter is left for answers."""
    return max_memory * 3 // 4


class FrontRegistration(NamedTuple):
    """The front's place on the broker's list, as the broker tells it.

    Attributes:
        taken: the number of the last enqueue the broker took; 0 where it knows none.
        server: names the server's run.
        joined: since when the front has been on its list without a gap.
    """

    taken: int
    server: str
    joined: str

    @property
    def incarnation(self) -> str:
        """Names both; while it stays the same, the broker still has all it took."""
        return f"{self.server} {self.joined}"


class PublishedRoutes(NamedTuple):
    """A table of routes as it stands in the broker, and what names it; None where none does."""

    digest: bytes | None
    table: bytes | None


class FrontBroker:
    """Asks the broker for one front. Each call may be made again after BrokerUnavailable.

    Attributes:
        replies: reads what comes for this front.
        time: the broker's, by which requests are signed; asked for anew where it is doubted.
        joined: since when this front is on the list, as the broker says; empty before it is.
        refusals: takes what this front has answered itself.

    Args:
        broker: makes the two links: one for the blocking read of replies, one for all else.
        front: this front's id.
        queues: swept for bells nobody heard.
        limits: of what the broker may hold.
        codec: to sign requests with.
        lease: seconds, if not the broker's; given up after twice that without a heartbeat.
    """

    def __init__(
        self,
        broker: Broker,
        front: str,
        queues: Sequence[str],
        limits: Limits,
        codec: Codec,
        lease: float | None = None,
    ):
        self.front = front
        self._codec = codec
        self.time = BrokerTime()
        self.joined = ""
        self._link = broker.async_link("front-requests")
        self.refusals = RefusalTeller(self._link, front)
        self.replies = ReplyReader(broker.async_link("front-replies"), self._link, front)
        self._lease_ms = int((lease or broker.lease) * 2000)
        self._queues = queues
        self._limits = limits._replace(memory=memory_for_requests(limits.memory))

    @property
    def connected(self) -> bool:
        """Whether the link for all but replies is up: an error on it was the server's answer."""
        return bool(self._link.run_id)

    async def join(self, info: Mapping[str, Any]) -> FrontRegistration:
        """Register, or register again after anything that made the broker's answers uncertain."""
        said = self.front, self._lease_ms, msgspec.json.encode(info)
        taken, joined = await self._link.script("front_join", *said)
        self.joined = joined.decode()
        await self._ask_time()
        return FrontRegistration(taken, self._link.run_id, self.joined)

    async def beat(self) -> bytes:
        """Extend the lease and sweep; the digest of the published routes, empty where none are.

        Raises:
            Fenced: it was given up; join and reconcile.
        """
        reply = await self._link.script("front_beat", self.front, self._lease_ms, *self._queues)
        digest: bytes = unless_fenced(reply)
        await self._ask_time()
        return digest

    async def _ask_time(self) -> None:
        asked_at = self.time.asking()
        (answer,) = await self._link.commands([QUESTION])
        self.time.told(checked(answer), asked_at)

    async def settle_doubts(self) -> None:
        """Ask for the broker's time, where that is in doubt."""
        if self.time.doubted:
            await self._ask_time()

    async def routes(self) -> PublishedRoutes:
        """Read what workers have published of their URLs, as it stands there."""
        (found,) = await self._link.commands([("HMGET", self._link.keys.routes, "digest", "table")])
        return PublishedRoutes(*checked(found))

    async def sample(self) -> None:
        """Write a row of history, if no front has for this second."""
        await self._link.script("sample", *self._queues)

    async def enqueue(self, first: int, requests: Sequence[EncodedRequest]) -> None:
        """Put a batch on the queues in one trip; refusals come as notices.

        Args:
            first: the running number of the first; a number is taken once, however often sent.

        Raises:
            Fenced: this front was given up; join, reconcile, then send again.
            ValueError: it has never joined.
        """
        args: list[Argument] = []
        for request in requests:
            # Only now: what is sent again in the middle of its hold must not be valid for longer.
            args += request.signed(self._codec, self.time.expiry(request.meta.hold_ms))
        bulky = any(len(request.body) > BULKY for request in requests)
        unless_fenced(
            await self._link.script(
                "enqueue", self.front, self.joined, first, *self._limits, *args, bulky=bulky
            )
        )

    async def hand_over(self, wanted: PiecesWanted, pieces: Sequence[bytes]) -> bool:
        """Give a worker pieces of a body; see `hand_over`."""
        return await hand_over(self._link, self.front, wanted, pieces)

    async def withdraw(self, ids: Sequence[str], why: Why = "left") -> list[str]:
        """Withdraw each; say of each ``withdrawn`` (it never started), ``started``, ``in_flight``
        or ``gone``.

        Args:
            why: for the statistics.
        """
        replies = await self._link.script("withdraw", self.front, why, *ids)
        return [reply.decode() for reply in replies]

    async def missing(self, ids: Sequence[str]) -> list[str]:
        """List those of the requests that the broker no longer holds for this front."""
        return [id.decode() for id in await self._link.script("reconcile", self.front, *ids)]

    async def held(self) -> list[str]:
        """List every request the broker holds for this front."""
        key = self._link.keys.named("held", self.front)
        (ids,) = await self._link.commands([("HKEYS", key)])
        return [id.decode() for id in checked(ids)]

    async def acknowledge(self, taken: Sequence[tuple[str, int]]) -> None:
        """Tell workers how much of their streamed answers the clients have taken; again at will.

        Args:
            taken: request ids, and the bytes of each answer since its beginning.
        """
        flat = [part for one in taken for part in one]
        await self._link.script("acknowledge", self.front, *flat)

    async def leave(self) -> None:
        """Take the name off; what is still held is dropped unless it is in flight."""
        while await self._link.script("front_leave", self.front) == b"again":
            pass

    async def close(self) -> None:
        """Drop both links."""
        await self.replies.close()
        await self._link.close()


def new_front_id(host: str, pid: int) -> str:
    """Unique for each start, readable by people."""
    return f"{host}:{pid}:{secrets.token_hex(4)}"
