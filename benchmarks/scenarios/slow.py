"""What quick requests wait while one client after another asks for a slow view."""

from ..candidates import Candidate, queued
from ..deployment import Data, Deployment
from ..loads import BARE, Load
from ..measure import WARM_UP
from ..wrk import Seen
from .medians import medians

WAIT = 500  # ms that each slow request runs
QUICK = Load("quick", "/trivial/", 8, "")
SLOW = Load("slow", f"/wait/{WAIT}/", 1, "")


def run(server: str, rounds: int, seconds: float) -> dict:
    """Served directly and through the queue, by two processes and by one with four threads."""
    candidates = (
        Candidate("gunicorn-sync-2", "gunicorn-sync", processes=2),
        Candidate("gunicorn-gthread-4", "gunicorn-gthread", threads=4),
        queued(server, 2, 1),
        queued(server, 1, 4),
    )
    data = Data()
    try:
        pairs = [[_alone_and_beside(c, data, seconds) for c in candidates] for _ in range(rounds)]
    finally:
        data.close()
    return {
        "slow_ms": WAIT,
        "quick_connections": QUICK.connections,
        "rounds": rounds,
        "rows": [
            {
                "candidate": candidate.name,
                "alone": medians([alone for alone, _ in of_it]),
                "beside": medians([beside for _, beside in of_it]),
            }
            for candidate, *of_it in zip(candidates, *pairs, strict=True)
        ],
    }


def _alone_and_beside(candidate: Candidate, data: Data, seconds: float) -> tuple[Seen, Seen]:
    with Deployment(candidate, BARE, data) as deployment:
        deployment.probe(QUICK)
        deployment.shot(QUICK, WARM_UP).run()
        alone = deployment.shot(QUICK, seconds).run()
        slow = deployment.shot(SLOW, seconds + 2)
        under_way = slow.start()
        beside = deployment.shot(QUICK, seconds).run()
        slow.finish(under_way)
    return alone, beside
