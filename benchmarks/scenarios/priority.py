"""What a request of the high queue waits while the low queue is flooded."""

from ..candidates import queued
from ..deployment import Data, Deployment
from ..loads import BARE, Load
from ..measure import WARM_UP
from .medians import medians

WAIT = 20  # ms that each request of the flood runs
HIGH = Load("high", "/high/trivial/", 1, "")
FLOOD = Load("flood", f"/low/wait/{WAIT}/", 64, "")
ROUTES = [{"path": "^/high/", "queue": "high"}, {"path": "^/low/", "queue": "low"}]


def run(server: str, rounds: int, seconds: float) -> dict:
    """One worker with one thread, so that a running request is in the way of every other."""
    data = Data()
    try:
        pairs = [_alone_and_flooded(server, data, seconds) for _ in range(rounds)]
    finally:
        data.close()
    return {
        "running_ms": WAIT,
        "flood_connections": FLOOD.connections,
        "rounds": rounds,
        "alone": medians([alone for alone, _ in pairs]),
        "flooded": medians([flooded for _, flooded in pairs]),
    }


def _alone_and_flooded(server: str, data: Data, seconds: float) -> tuple:
    with Deployment(queued(server, 1, 1), BARE, data, queueproxy={"ROUTES": ROUTES}) as deployment:
        deployment.probe(HIGH)
        deployment.shot(HIGH, WARM_UP).run()
        alone = deployment.shot(HIGH, seconds).run()
        flood = deployment.shot(FLOOD, seconds + 2 * WARM_UP)
        under_way = flood.start()
        deployment.shot(HIGH, WARM_UP).run()
        flooded = deployment.shot(HIGH, seconds).run()
        flood.finish(under_way)
    return alone, flooded
