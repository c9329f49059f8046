"""Reads a request's body off the client, within limits of size and time."""

import asyncio
from collections.abc import AsyncIterator

from ...asgi_types import Message, Receive
from ...exceptions import QueueProxyError

TIMEOUT = 600.0  # seconds waited for any one body
SLACK = 30.0  # of them, seconds that no rate is asked of
MIN_RATE = 1024  # bytes a second on average, after that
LINGER = 2.0  # seconds a refused body is read on


class BodyTooLarge(QueueProxyError):
    """The body is larger than allowed."""


class BodyTooSlow(QueueProxyError):
    """The body came too slowly."""


class ClientDisconnected(QueueProxyError):
    """The client left before its request was complete."""


async def iter_body(
    receive: Receive,
    *,
    limit: int,
    timeout: float = TIMEOUT,
    slack: float = SLACK,
    min_rate: float = MIN_RATE,
) -> AsyncIterator[bytes]:
    """Yield the pieces of a body as they come, none empty.

    Only the time waited for the client counts, not what the caller does between pieces.

    Args:
        receive: of ASGI.
        limit: most bytes; exactly as many are fine.
        timeout: most seconds waited over all.
        slack: seconds waited before `min_rate` is asked for.
        min_rate: bytes a second on average.

    Raises:
        BodyTooLarge, BodyTooSlow, ClientDisconnected: as they say; the body is not used.
    """
    clock = asyncio.get_running_loop().time
    size, waited = 0, 0.0
    while True:
        asked = clock()
        allowed = min(timeout, slack + size / min_rate) - waited
        message = await _receive_by(receive, asked + allowed)
        waited += clock() - asked
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise BodyTooLarge
        if piece:
            yield piece
        if not message.get("more_body", False):
            return


async def discard_body(receive: Receive, *, timeout: float = LINGER) -> None:
    """Read the rest of a refused body and keep nothing, for a while.

    A connection closed with bytes unread is reset, and the reset can overtake the refusal.

    Args:
        receive: of ASGI.
        timeout: most seconds.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    more = True
    while more:
        try:
            message = await _receive_by(receive, deadline)
        except BodyTooSlow:
            return
        more = message["type"] == "http.request" and message.get("more_body", False)


async def _receive_by(receive: Receive, deadline: float) -> Message:
    try:
        async with asyncio.timeout_at(deadline):
            return await receive()
    except TimeoutError:
        raise BodyTooSlow from None
