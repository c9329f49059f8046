"""Takes a request's body in: small ones whole, large ones in chunks straight to the broker."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..envelopes import DIGEST_OVER
from .front import Front
from .http.body import ClientDisconnected, Receive, iter_body
from .memory import BODIES_SHARE, PIECE_OVERHEAD, Reservation
from .outbox import Chunk

INLINE = DIGEST_OVER  # bytes; what is larger travels in chunks
CHUNK = 256 * 1024  # bytes at least in each chunk but the last, and less than twice as many
STAGE_WITHIN = 30.0  # seconds at most that the broker may take for one chunk


class NoRoom(Exception):
    """There is no room for the body, here or in the broker."""


class BrokerAway(Exception):
    """The broker did not take a part of the body in time."""


class Body(NamedTuple):
    """A body taken in: ``inline`` whole, or as ``chunks`` staged with the broker.

    ``digest`` is what stands for it in the signature (see envelopes.digest_of).
    """

    size: int
    inline: bytes
    digest: bytes
    chunks: int


NO_BODY = Body(0, b"", b"", 0)
_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


def has_body(scope: dict) -> bool:
    """Whether a body may follow: in HTTP/1 only where a header frames one (RFC 9112, 6.3)."""
    if not scope["http_version"].startswith("1"):
        return True
    return any(name in _FRAMING for name, _ in scope["headers"])


async def take_body(
    front: Front,
    id: str,
    receive: Callable,
    memory: Reservation,
    *,
    limit: int,
    expires: float,
) -> Body:
    """Read the body of a request.

    Args:
        memory: of the request; counts each piece before it is kept.
        limit: most bytes.
        expires: seconds that chunks are kept without a sign of life of this front; the broker may
            take as many for each, but no more than STAGE_WITHIN.

    Raises:
        NoRoom: memory is used up; nothing is kept.
        BrokerAway: it did not take a chunk in time; nothing is kept.
        BodyTooLarge, BodyTooSlow, ClientDisconnected: see the body module; nothing is kept.
    """
    client = _Client(receive, memory)
    taking = _Taking(front, id, client, memory, expires)
    try:
        async for piece in iter_body(client.receive, limit=limit):
            await taking.add(piece)
        return await taking.finish()
    except BaseException:
        taking.drop()
        raise


class _Client:
    """Receives from a client; what it sends may be looked at before its turn."""

    def __init__(self, receive: Receive, memory: Reservation):
        self._receive = receive
        self._memory = memory
        self._ahead: deque[dict] = deque()

    async def receive(self) -> dict:
        """Do what ``receive`` of ASGI does."""
        if not self._ahead:
            return await self._receive()
        message = self._ahead.popleft()
        self._memory.drop(_size_of(message))
        return message

    async def leaves(self) -> None:
        """Return when the client has left; while it sends a lot, that is not looked for."""
        while sum(map(_size_of, self._ahead)) < CHUNK:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            self._ahead.append(message)
            if not self._memory.keep(_size_of(message), BODIES_SHARE):
                raise NoRoom
        await asyncio.Event().wait()


def _size_of(message: dict) -> int:
    return len(message.get("body", b"")) + PIECE_OVERHEAD


class _Taking:
    def __init__(self, front: Front, id: str, client: _Client, memory: Reservation, expires: float):
        self._front = front
        self._id = id
        self._client = client
        self._memory = memory
        self._expires = expires
        self._pieces: list[bytes] = []
        self._kept = 0  # bytes in pieces
        self._counted = 0  # bytes that they take in memory
        self._size = 0
        self._chunks = 0
        self._hash = hashlib.sha256()

    async def add(self, piece: bytes) -> None:
        # A chunk ends where a piece does: to cut it to size is to copy it once more.
        for at in range(0, len(piece), CHUNK):
            self._take(piece[at : at + CHUNK])
            if self._kept >= CHUNK:
                await self._stage()

    async def finish(self) -> Body:
        if not self._chunks and self._kept <= INLINE:
            inline = b"".join(self._pieces)
            return Body(self._size, inline, inline, 0)
        if self._kept:
            await self._stage()
        return Body(self._size, b"", self._hash.digest(), self._chunks)

    def _take(self, piece: bytes) -> None:
        cost = len(piece) + PIECE_OVERHEAD
        if not self._memory.keep(cost, BODIES_SHARE):
            raise NoRoom
        self._counted += cost
        self._pieces.append(piece)
        self._kept += len(piece)
        self._size += len(piece)

    def drop(self) -> None:
        if self._chunks:
            self._front.discard_upload(self._id)

    async def _stage(self) -> None:
        chunk = b"".join(self._pieces)
        self._pieces, self._kept = [], 0
        self._hash.update(chunk)
        number, self._chunks = self._chunks, self._chunks + 1
        if not await self._send(Chunk(self._id, number, chunk, self._expires)):
            raise NoRoom
        self._memory.drop(self._counted)
        self._counted = 0

    async def _send(self, chunk: Chunk) -> bool:
        """Whether the broker had room for it; its client may leave meanwhile."""
        sending = self._front.send_chunk(chunk)
        leaving = asyncio.ensure_future(self._client.leaves())
        try:
            await asyncio.wait(
                (sending, leaving),
                timeout=min(STAGE_WITHIN, self._expires),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if sending.done():
                return sending.result()
            if not leaving.done():
                raise BrokerAway
            leaving.result()  # raises where there is no room for what it sent meanwhile
            raise ClientDisconnected
        finally:
            sending.cancel()
            leaving.cancel()
