"""Takes a request's body in: a small one goes with the request, a large one stays at the front."""

import asyncio
from typing import NamedTuple

from ..asgi_types import Receive, Scope
from ..envelopes import PIECE_SIZE
from ..signing import DIGEST_OVER
from .front import Front
from .http.body import iter_body
from .kept_body import KeptBody, PieceDigests
from .memory import BODIES_SHARE, Reservation
from .spool import PIECE as MOST_AT_ONCE

INLINE = DIGEST_OVER  # bytes; what is larger stays here


class Body(NamedTuple):
    """A body taken in.

    Attributes:
        size: bytes of the whole.
        entry: what goes with the request: the whole, or the digests of its pieces.
        kept: what stays here; None where the whole goes.
    """

    size: int
    entry: bytes
    kept: KeptBody | None

    @property
    def piece_size(self) -> int:
        """As RequestHead has it."""
        return PIECE_SIZE if self.kept is not None else 0


NO_BODY = Body(0, b"", None)
_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


def has_body(scope: Scope) -> bool:
    """Whether a body may follow: in HTTP/1 only where a header frames one (RFC 9112, 6.3)."""
    if not scope["http_version"].startswith("1"):
        return True
    return any(name in _FRAMING for name, _ in scope["headers"])


def has_room(front: Front, scope: Scope) -> bool:
    """Whether a body of the length that is declared could be kept now; True where none is."""
    declared = [value for name, value in scope["headers"] if name == b"content-length"]
    if not declared or not declared[0].isdigit():
        return True
    return int(declared[0]) <= front.memory.room(BODIES_SHARE) + front.spool.room


async def take_body(front: Front, receive: Receive, memory: Reservation, *, limit: int) -> Body:
    """Read the body of a request.

    Args:
        memory: of the request; counts what is kept there before it is kept.
        limit: most bytes.

    Raises:
        NoRoom: memory and spool are used up; nothing is kept.
        BodyTooLarge, BodyTooSlow, ClientDisconnected: see the body module; nothing is kept.
    """
    taking = _Taking(KeptBody(front.spool, memory), signs=front.signs)
    try:
        async for data in iter_body(receive, limit=limit):
            for at in range(0, len(data), MOST_AT_ONCE):
                if at:
                    await asyncio.sleep(0)  # to hash and write all at once would stop the others
                taking.add(data[at : at + MOST_AT_ONCE])
        return taking.finish()
    except BaseException:
        taking.kept.close()
        raise


class _Taking:
    """One body as it is read.

    Args:
        kept: keeps it.
        signs: whether digests are needed.
    """

    def __init__(self, kept: KeptBody, *, signs: bool):
        self.kept = kept
        self._signs = signs
        self._digests: PieceDigests | None = None

    def add(self, data: bytes) -> None:
        self.kept.append(data)
        if self._digests is not None:
            self._digests.update(data)
        elif self._signs and not self._goes_whole():
            self._digests = PieceDigests(PIECE_SIZE)
            self._digests.update(self.kept.read(0, self.kept.size))

    def _goes_whole(self) -> bool:
        return self.kept.size <= INLINE and self.kept.in_memory

    def finish(self) -> Body:
        kept = self.kept
        if self._goes_whole():
            return Body(kept.size, kept.read(0, kept.size), None)
        return Body(kept.size, self._digests.all() if self._digests else b"", kept)
