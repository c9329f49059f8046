"""How well the threads of one worker process are used by views that wait."""

from ..candidates import queued
from ..deployment import Data, Deployment
from ..loads import BARE, Load
from ..measure import WARM_UP

THREADS = (1, 2, 4, 8, 16, 32, 64)
WAIT = 50  # ms


def run(server: str, seconds: float) -> dict:
    """Answers a second with each number of threads, and the share of what they could give."""
    data = Data()
    try:
        return {"wait_ms": WAIT, "rows": [_row(server, n, data, seconds) for n in THREADS]}
    finally:
        data.close()


def _row(server: str, threads: int, data: Data, seconds: float) -> dict:
    # Two clients a thread: one is served, the next one waits already.
    load = Load("wait", f"/wait/{WAIT}/", 2 * threads, "")
    with Deployment(queued(server, 1, threads), BARE, data) as deployment:
        deployment.probe(load)
        deployment.shot(load, WARM_UP).run()
        seen = deployment.shot(load, seconds).run()
    return {
        "threads": threads,
        "per_second": seen.per_second,
        "efficiency": seen.per_second * WAIT / 1000 / threads,
        "p99_ms": seen.p99,
        "errors": seen.errors,
    }
