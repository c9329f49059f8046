"""Runs a dead letter again: a front with one request and no client."""

import asyncio
import os
import socket
from contextlib import asynccontextmanager

import msgspec

from ..envelopes import Codec, RequestHead, digest_of
from ..exceptions import BrokerUnavailable, DecodeError, QueueProxyError
from ..keys import Keys
from .connect import BrokerTarget
from .control import DeadLetter, new_request_id
from .desk import Desk, Limits, Notice, Order, new_front_id
from .links import AsyncLink
from .protocol import checked

NO_LIMIT = Limits(depth=10**9, memory=10**12)
MARGIN = 60.0  # seconds a claim on a letter outlasts the wait for its answer: all trips together


class CannotRetry(QueueProxyError):
    """The dead letter can't be run again."""


async def run_again(
    letter: DeadLetter,
    *,
    target: BrokerTarget,
    namespace: str,
    queues: tuple[str, ...],
    secrets: tuple[str, ...],
    lease: float,
    hold: float,
) -> int:
    """Put it on its queue, at most one attempt; wait for the status of its answer, then delete it.

    Args:
        lease, hold: seconds.

    Raises:
        CannotRetry: it is not whole, it is gone or somebody else runs it again now, no worker took
            it in time, or its worker was lost again.
    """
    keys = Keys(namespace)
    links = [
        AsyncLink(target, keys, f"retry-{n}", int(lease * 1000)) for n in ("orders", "replies")
    ]
    front = new_front_id(socket.gethostname(), os.getpid())
    codec = Codec(secrets)
    desk = Desk(*links, front, max(lease, hold), queues, NO_LIMIT)
    order = _order(letter, codec, front, hold)
    try:
        async with _claimed(letter, links[0], keys, hold + MARGIN):
            await desk.join({"host": socket.gethostname(), "pid": os.getpid()})
            await desk.enqueue(1, [order])
            return await _answered(desk, codec, order, hold)
    finally:
        try:
            await desk.leave()
        except BrokerUnavailable:
            pass
        await desk.close()


@asynccontextmanager
async def _claimed(letter: DeadLetter, link: AsyncLink, keys: Keys, seconds: float):
    """While nobody else runs it again; it is deleted where that went well.

    Where it is not known what became of it, nobody else tries before the claim lapses.
    """
    claim = keys.named("retrying", letter.id)
    release = ("DEL", claim)
    taken, found = await link.commands(
        [
            ("SET", claim, "1", "NX", "PX", int(seconds * 1000)),
            ("XRANGE", keys.dead, letter.id, letter.id),
        ]
    )
    if not checked(taken):
        raise CannotRetry("Somebody else is running it again just now.")
    try:
        if not checked(found):
            raise CannotRetry("It is no longer there: it was run again, or discarded.")
        yield
    except CannotRetry:
        await link.commands([release])
        raise
    await link.commands([("XDEL", keys.dead, letter.id), release])


async def _answered(desk: Desk, codec: Codec, order: Order, hold: float) -> int:
    try:
        async with asyncio.timeout(hold):
            return await _status(desk, codec)
    except TimeoutError:
        (fate,) = await desk.withdraw([order.id])
        never = "It was not started." if fate == "withdrawn" else "Whether it ran is not known."
        raise CannotRetry(f"No worker answered within {hold:g} s. {never}") from None


def _order(letter: DeadLetter, codec: Codec, front: str, hold: float) -> Order:
    if not letter.body_kept and letter.head.get("body_size", 0):
        raise CannotRetry("Its body was too large to be kept.")
    try:
        codec.decode_request(letter.version, letter.raw_head, letter.body, letter.signature)
    except DecodeError as error:
        raise CannotRetry(f"It can't be trusted: {error}") from error
    head = msgspec.convert(
        letter.head
        | {
            "id": new_request_id(),
            "front": front,
            "hold_ms": int(hold * 1000),
            "max_attempts": 1,
            "chunks": 0,
        },
        RequestHead,
    )
    raw, signature = codec.encode_request(head, digest_of(letter.body))
    return Order(
        id=head.id,
        queue=letter.queue,
        hold_ms=head.hold_ms,
        max_attempts=1,
        size=len(raw) + len(letter.body),
        chunks=0,
        head=raw,
        body=letter.body,
        signature=signature,
    )


async def _status(desk: Desk, codec: Codec) -> int:
    status = 0
    while True:
        for reply in await desk.read():
            if isinstance(reply, Notice):
                raise CannotRetry(f"It failed again: {reply.reason}.")
            frame = codec.decode_reply(*reply)
            status = frame.head.status or status
            if not frame.head.more:
                return status
            await desk.credit([(frame.head.id, len(frame.body))])
