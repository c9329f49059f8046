"""Deals at once with the requests of a worker process that died: names and settles them."""

import logging
from collections.abc import Callable

from ..broker.handle import Broker
from ..broker.link.links import Link
from ..broker.observe.processes import read_current
from ..broker.observe.values import ValueReader
from ..exceptions import BrokerUnavailable, SchemaMismatch

logger = logging.getLogger("queueproxy.worker")


def reaper(broker: Broker) -> Callable[[str], list[dict]]:
    """Make a function that gives back at once what a dead worker held, and tells what that was.

    Where the broker is away nothing happens, and nothing is told: the lease runs out by itself.
    """

    def reap(worker: str) -> list[dict]:
        with broker.link("supervisor") as link:
            held = held_by(link, worker)
            try:
                link.script("worker_reap", worker)
            except (BrokerUnavailable, SchemaMismatch):
                pass  # the lease runs out by itself; or whoever else uses the state sees to it
            except Exception:
                logger.exception("What worker %s held waits for the end of its lease.", worker)
            return held

    return reap


def held_by(link: Link, worker: str) -> list[dict]:
    """List the requests a worker holds, for people to see; none where that can't be found out."""
    try:
        return read_current(ValueReader(link), worker)
    except Exception as error:  # it must not keep the rest from being done
        logger.debug("What worker %s holds is not known: %s", worker, error)
        return []
