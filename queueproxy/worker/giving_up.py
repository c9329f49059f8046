"""Gives up the requests that the threads of a process that ends still run."""

import logging
import time
from collections.abc import Sequence

from ..broker.claims import Settlement, fail_claim
from ..broker.counters import Counting
from ..broker.handle import Broker
from ..broker.link.links import Link
from ..exceptions import BrokerUnavailable, SchemaMismatch
from ..wording import count_text, requests_text
from .lost_worker import held_by
from .view_watch import Running

logger = logging.getLogger("queueproxy.worker")

REASON = "view_timeout"  # of a dead letter, and of the front's answer


def give_up(broker: Broker, worker: str, overdue: Sequence[Running], *, others: bool) -> None:
    """End the leases of `overdue` views for good, and tell what else is given up.

    What else still runs counts as lost with its worker, as soon as that leaves the list.

    Args:
        overdue: views past VIEW_TIMEOUT; told of already.
        others: whether threads still run something else.
    """
    with broker.link("worker-end") as link:
        for running in overdue:
            _fail(link, worker, running)
        held = held_by(link, worker) if others else []
    if others:
        logger.warning(
            "%s still ran after the graceful timeout and %s given up%s.",
            count_text(len(held), "request") if held else "Requests",
            "is" if len(held) == 1 else "are",
            f": {requests_text(held)}" if held else "",
        )


def _count(link: Link, worker: str, running: Running) -> None:
    """Count it by its route: it is what people look for there, and its thread won't tell."""
    ran = time.monotonic() - running.since
    counts = Counting()
    settlement = Settlement(running.claim, REASON, ran=ran, route=running.begun.route)
    counts.settled(settlement)
    if counts.pending:
        link.script("add_counts", *counts.take(worker))


def _fail(link: Link, worker: str, running: Running) -> None:
    try:
        fail_claim(link, worker, running.thread, running.claim, REASON)
        _count(link, worker, running)
    except (BrokerUnavailable, SchemaMismatch):
        pass  # it is dealt with as lost when the worker's lease runs out
