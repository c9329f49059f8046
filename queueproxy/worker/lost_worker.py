"""Deals at once with the requests of a worker process that died: names and settles them."""

import logging
import time
from collections.abc import Callable

from ..broker.handle import Broker
from ..broker.link.links import Link
from ..broker.observe.processes import RunningRequest, read_current
from ..broker.observe.values import ValueReader
from ..exceptions import BrokerUnavailable, ErrorReply, SchemaMismatch

logger = logging.getLogger("queueproxy.worker")

AWAY_FOR = 5.0  # seconds for which a broker that did not answer is not asked again


def reaper(broker: Broker) -> Callable[[str], list[RunningRequest]]:
    """Make a function that gives back at once what a dead worker held, and tells what that was.

    Where the broker is away nothing happens, and nothing is told: the lease runs out by itself.
    Of many that end together, as they are told to, only the first waits for its answer.
    """
    away_until = 0.0

    def reap(worker: str) -> list[RunningRequest]:
        nonlocal away_until
        if time.monotonic() < away_until:
            return []
        with broker.link("supervisor") as link:
            held: list[RunningRequest] = []
            try:
                held = _held_by(link, worker)
                link.script("worker_reap", worker)
            except (ErrorReply, SchemaMismatch):
                pass  # the lease runs out by itself; or whoever else uses the state sees to it
            except BrokerUnavailable:
                away_until = time.monotonic() + AWAY_FOR
            except Exception:
                logger.exception("What worker %s held waits for the end of its lease.", worker)
            return held

    return reap


def held_by(link: Link, worker: str) -> list[RunningRequest]:
    """List the requests a worker holds, for people to see; none where that can't be found out."""
    try:
        return _held_by(link, worker)
    except BrokerUnavailable:
        return []


def _held_by(link: Link, worker: str) -> list[RunningRequest]:
    """Do what `held_by` does, but where no answer comes.

    Raises:
        BrokerUnavailable: the broker is away.
    """
    try:
        return read_current(ValueReader(link), worker)
    except Exception as error:  # it must not keep the rest from being done
        if isinstance(error, BrokerUnavailable) and not isinstance(error, ErrorReply):
            raise
        logger.debug("What worker %s holds is not known: %s", worker, error)
        return []
