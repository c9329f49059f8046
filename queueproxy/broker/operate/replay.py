"""Runs a dead letter again: a front with one request and no client."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec.structs

from ...envelopes import Codec, Envelope
from ...exceptions import BrokerUnavailable, DecodeError, QueueProxyError
from ..encoded_request import EncodedRequest, encode_request
from ..front_broker import FrontBroker, Limits, new_front_id
from ..handle import Broker
from ..link.links import AsyncLink
from ..link.protocol import checked
from ..observe.not_served import reason_text
from ..replies import Notice, PiecesWanted
from .control import new_request_id
from .listed import DeadLetter

NO_LIMIT = Limits(depth=10**9, memory=10**12)
MARGIN = 60.0  # seconds a claim on a letter outlasts the wait for its answer: all trips together


class CannotReplay(QueueProxyError):
    """The dead letter can't be run again."""


async def replay(
    letter: DeadLetter,
    *,
    broker: Broker,
    queues: tuple[str, ...],
    secrets: tuple[str | bytes, ...],
    hold: float,
    kept: float,
) -> int:
    """Put it on its queue, at most one attempt; wait for the status of its answer, then delete it.

    What is to happen once is the same request still: if it has happened, its answer is given again.

    Args:
        hold: seconds to wait for its answer.
        kept: seconds that it is kept in the database what has happened (KEEP_EXECUTIONS).

    Raises:
        CannotReplay: it is not whole, it is gone or somebody else runs it again now, no worker took
            it in time, its worker was lost again, or whether it has happened is not kept any more.
    """
    front = new_front_id(socket.gethostname(), os.getpid())
    codec = broker.codec(secrets)
    lease = max(broker.lease, hold)
    front_broker = FrontBroker(broker, front, queues, NO_LIMIT, codec, lease)
    link = broker.async_link("replay")
    try:
        request = _encoded(letter, codec, front, hold, kept)
        async with _claimed(letter, link, hold + MARGIN):
            about = {"host": socket.gethostname(), "pid": os.getpid(), "errand": "dead replay"}
            await front_broker.join(about)
            await front_broker.enqueue(1, [request])
            return await _answered(front_broker, codec, request, hold)
    finally:
        try:
            await front_broker.leave()
        except BrokerUnavailable:
            pass
        await front_broker.close()
        await link.close()


@asynccontextmanager
async def _claimed(letter: DeadLetter, link: AsyncLink, seconds: float) -> AsyncIterator[None]:
    """Claim the letter against others who replay it; delete it where that went well.

    Where it is not known what became of it, nobody else tries before the claim lapses.
    """
    claim = link.keys.named("retrying", letter.id)
    release = ("DEL", claim)
    taken, found = await link.commands(
        [
            ("SET", claim, "1", "NX", "PX", int(seconds * 1000)),
            ("XRANGE", link.keys.dead, letter.id, letter.id),
        ]
    )
    if not checked(taken):
        raise CannotReplay("Somebody else is running it again just now.")
    try:
        if not checked(found):
            raise CannotReplay("It is no longer there: it was run again, or discarded.")
        yield
    except CannotReplay:
        await link.commands([release])
        raise
    for reply in await link.commands([("XDEL", link.keys.dead, letter.id), release]):
        checked(reply)


async def _answered(
    front_broker: FrontBroker, codec: Codec, request: EncodedRequest, hold: float
) -> int:
    try:
        async with asyncio.timeout(hold):
            return await _status(front_broker, codec)
    except TimeoutError:
        (fate,) = await front_broker.withdraw([request.id])
        never = "It was not started." if fate == "withdrawn" else "Whether it ran is not known."
        raise CannotReplay(f"No worker answered within {hold:g} s. {never}") from None


def why_not_again(letter: DeadLetter, codec: Codec, kept: float) -> str:
    """Say why a dead letter can't be run again; empty where nothing is against it.

    Args:
        kept: as of `replay`.
    """
    try:
        verified(letter, codec, 0.0, kept)
    except CannotReplay as error:
        return str(error)
    return ""


def verified(letter: DeadLetter, codec: Codec, hold: float, kept: float) -> Envelope:
    """Verify the request that a dead letter holds, and decode it.

    Args:
        hold, kept: as of `replay`.

    Raises:
        CannotReplay: it is not whole, not ours, or too old for what is to happen once.
    """
    if not letter.body_kept and letter.head.body_size:
        raise CannotReplay("Its body stayed with its front, and is gone with its client.")
    try:
        envelope = codec.decode_request(
            letter.version, letter.raw_head, letter.body, letter.signature
        )
    except DecodeError as error:
        raise CannotReplay(f"It can't be trusted: {error}") from error
    head = envelope.head
    if head.fenced and time.time() + hold > letter.at - head.hold_ms / 1000 + kept:
        raise CannotReplay("Whether it was executed once is not kept in the database any more.")
    return envelope


def _encoded(
    letter: DeadLetter, codec: Codec, front: str, hold: float, kept: float
) -> EncodedRequest:
    envelope = verified(letter, codec, hold, kept)
    head = msgspec.structs.replace(envelope.head, front=front, hold_ms=int(hold * 1000))
    if not head.fenced:
        head = msgspec.structs.replace(head, id=new_request_id(), max_attempts=1)
    return encode_request(head, letter.queue, letter.body)


async def _status(front_broker: FrontBroker, codec: Codec) -> int:
    status, taken = 0, 0
    while True:
        for reply in await front_broker.replies.read():
            if isinstance(reply, Notice):
                raise CannotReplay(f"It failed again: {reason_text(reply.reason)}.")
            if isinstance(reply, PiecesWanted):
                continue  # the body is in the broker, all of it
            frame = codec.decode_reply(*reply)
            status = frame.head.status or status
            if not frame.head.more:
                return status
            taken += len(frame.body)
            await front_broker.acknowledge([(frame.head.id, taken)])
