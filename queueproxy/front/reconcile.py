"""Brings what the front holds and what the broker holds into line.

That is due where the broker is another than before (restart, failover, flush), or has given this
front up meanwhile: it may have forgotten requests, and may hold some nobody waits for any more.
"""

import asyncio
import logging
from collections.abc import Sequence

from ..broker.front_broker import FrontBroker
from ..wording import count_text
from .held_request import (
    BAD_REPLY,
    BROKER_LOST,
    BROKER_LOST_LATE,
    OUT_OF_TIME,
    WORKER_LOST,
    DeliveryState,
    HeldRequest,
)
from .inbox import Inbox
from .outbox import IDS_AT_ONCE, Outbox

logger = logging.getLogger("queueproxy.front")


async def reconcile(
    broker: FrontBroker, inbox: Inbox, outbox: Outbox, taken: int, *, another_server: bool = False
) -> None:
    """Send again what the broker has lost, or say that it is lost; withdraw what is not held here.

    Called while nothing is under way to the broker. If it fails in the middle, call it again.

    Args:
        taken: the number of the last request the broker has taken.
        another_server: whether it is another run of the server: what that misses it has lost.
            The same one has given the front up, and has counted what it dropped then.
    """
    broker.replies.start_over()
    sent = [id for id, held in inbox.held_requests.items() if _is_sent(held)]
    missing = await _missing(broker, sent)
    await _withdraw_unknown(broker, set(sent))
    # Last: what was answered before it was found missing has its answer there.
    inbox.deliver(await broker.replies.catch_up())
    lost = []
    for id in sent:
        held = inbox.held_requests.get(id)
        if held is None or held.finished or not _is_sent(held):
            continue
        if id in missing:
            lost.append(held)
        else:
            held.state = DeliveryState.QUEUED
    outbox.restart(taken, _send_again_or_fail(lost, another_server=another_server))


async def fail_unanswered(
    broker: FrontBroker, inbox: Inbox, held_requests: Sequence[HeldRequest]
) -> None:
    """Tell those the broker is done with, and for whom no answer has come, that none will."""
    done_with = await _missing(broker, [held.request.id for held in held_requests])
    inbox.deliver(await broker.replies.catch_up())
    for held in held_requests:
        is_there = held.state is DeliveryState.QUEUED  # else it has been sent anew meanwhile
        if is_there and held.request.id in done_with and not held.finished:
            held.notify(BAD_REPLY)


def _is_sent(held: HeldRequest) -> bool:
    return held.state is not DeliveryState.PENDING


async def _missing(broker: FrontBroker, ids: Sequence[str]) -> set[str]:
    missing: set[str] = set()
    for part in _parts(ids):
        missing.update(await broker.missing(part))
    return missing


async def _withdraw_unknown(broker: FrontBroker, known: set[str]) -> None:
    """Withdraw what the broker holds for this front and the front does not."""
    for ids in _parts([id for id in await broker.held() if id not in known]):
        await broker.withdraw(ids)


def _send_again_or_fail(lost: list[HeldRequest], *, another_server: bool) -> list[HeldRequest]:
    """Send again those that may be; tell the clients of the others."""
    in_time, late = (
        (BROKER_LOST, BROKER_LOST_LATE) if another_server else (WORKER_LOST, OUT_OF_TIME)
    )
    now = asyncio.get_running_loop().time()
    again = []
    for held in lost:
        if held.may_be_sent_after_loss(now):
            hold_ms = int((held.deadline - now) * 1000)
            held.request = held.request.within(hold_ms)
            again.append(held)
        else:
            held.notify(in_time if now < held.deadline else late)
    if lost:
        logger.warning(
            "The broker had lost %s: %d sent again, %d answered 502 or 504.",
            count_text(len(lost), "held request"),
            len(again),
            len(lost) - len(again),
        )
    return again


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + IDS_AT_ONCE] for at in range(0, len(ids), IDS_AT_ONCE)]
