"""Clients held with no worker there, and how soon they are answered once one starts."""

import asyncio
import resource
import time
from collections import Counter

from tests.kit.waiting import wait_until

from ..candidates import queued
from ..deployment import Data, Deployment
from ..loads import BARE
from .clients import Crowd

SPARE = 500  # descriptors for everything but the held connections
ANSWERED_WITHIN = 120.0  # seconds
ARRIVED_WITHIN = 120.0
POINTS = 200  # of the curve


class TooMany(Exception):
    """More connections than the descriptor limit allows."""


def run(server: str, number: int, seconds: float) -> dict:
    """Hold `number` clients for `seconds`, then start a worker of one thread.

    Raises:
        TooMany: the descriptor limit of this machine is lower.
    """
    _raise_descriptors(number + SPARE)
    limits = {"MAX_HOLD": seconds + 2 * ANSWERED_WITHIN, "MAX_DEPTH": number + SPARE}
    data = Data()
    try:
        candidate = queued(server, 1, 1)
        only = ("front",)
        with Deployment(candidate, BARE, data, queueproxy=limits, only=only) as deployment:
            return asyncio.run(_hold(deployment, number, seconds))
    finally:
        data.close()


def _raise_descriptors(wanted: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise TooMany(f"{wanted} descriptors are needed, the limit is {hard} (ulimit -Hn).")
    soft = wanted if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _hold(deployment: Deployment, number: int, seconds: float) -> dict:
    before = deployment.memory()
    crowd = Crowd(deployment.port, "/trivial/", number)
    began = time.monotonic()
    await crowd.arrive()
    await asyncio.to_thread(_wait_for_depth, deployment, number)
    arrived = time.monotonic()
    await asyncio.sleep(seconds)
    during = deployment.memory()
    started = time.monotonic()
    deployment.launch("worker")
    listed = asyncio.create_task(asyncio.to_thread(_wait_for_worker, deployment))
    await crowd.end(ANSWERED_WITHIN)
    times = sorted(c.answered - started for c in crowd.clients if c.status)
    return {
        "clients": number,
        "held_seconds": seconds,
        "arrival_seconds": arrived - began,
        "statuses": dict(Counter(str(client.status) for client in crowd.clients)),
        "worker_listed_seconds": await listed - started,
        "first_answer_seconds": times[0] if times else None,
        "last_answer_seconds": times[-1] if times else None,
        "answer_times": times[:: max(1, len(times) // POINTS)],
        "memory": {"before": before, "held": during},
        "front_bytes_per_client": (during["front"] - before["front"]) / number,
        "broker_bytes_per_client": (during["broker"] - before["broker"]) / number,
    }


def _wait_for_depth(deployment: Deployment, number: int) -> None:
    def depth() -> bool:
        return sum(queue.depth for queue in deployment.snapshot().queues) >= number

    wait_until(depth, f"{number} requests waiting", ARRIVED_WITHIN)


def _wait_for_worker(deployment: Deployment) -> float:
    wait_until(lambda: deployment.snapshot().workers, "the worker on the list", ARRIVED_WITHIN)
    return time.monotonic()
