"""What it costs to count by route and to keep what was answered; and what stays in the broker."""

from statistics import median

from ..candidates import queued
from ..deployment import Data, Deployment
from ..loads import BARE, Load
from ..measure import WARM_UP

UNWATCHED = "benchmarks.site.unwatched"
LOAD = Load("trivial-c32", "/trivial/", 32, "")
PATHS = 10_000
MANY = Load("paths", f"/numbered/{PATHS}/", 32, "", many_paths=True)
PIECE = 20.0  # seconds between two counts of the keys


def run(server: str, rounds: int, seconds: float, requests: int) -> dict:
    """Take turns with and without; then ask for many paths, and count keys.

    Args:
        requests: how many over many paths; 0 for none.
    """
    data = Data()
    try:
        pairs = [
            [_shot(server, data, s, seconds) for s in (BARE, UNWATCHED)] for _ in range(rounds)
        ]
        keys = _keys(server, data, requests) if requests else []
    finally:
        data.close()
    watched, unwatched = zip(*pairs, strict=True)
    return {
        "rounds": rounds,
        "watched": _medians(watched),
        "unwatched": _medians(unwatched),
        # By pairs: what else the machine did then, it did to both.
        "throughput_ratio": median(a["per_second"] / b["per_second"] for a, b in pairs),
        "broker_cpu_ratio": median(a["broker_cpu_ms"] / b["broker_cpu_ms"] for a, b in pairs),
        "paths": PATHS,
        "keys": keys,
    }


def _medians(shots: tuple[dict, ...]) -> dict:
    return {name: median(shot[name] for shot in shots) for name in shots[0]}


def _shot(server: str, data: Data, settings: str, seconds: float) -> dict:
    with Deployment(queued(server, 1, 1), settings, data) as deployment:
        deployment.probe(LOAD)
        deployment.shot(LOAD, WARM_UP).run()
        before = deployment.cpu()
        seen = deployment.shot(LOAD, seconds).run()
        used = {role: now - before[role] for role, now in deployment.cpu().items()}
    if seen.errors:
        raise RuntimeError(f"{seen.errors} errors with {settings}")
    return {
        "per_second": seen.per_second,
        **{f"{role}_cpu_ms": 1000 * cpu / seen.requests for role, cpu in used.items()},
    }


def _keys(server: str, data: Data, requests: int) -> list[dict]:
    """Count the broker's keys and bytes as the requests go by."""
    with Deployment(queued(server, 2, 1), BARE, data) as deployment:
        deployment.probe(MANY)
        found, asked = [_kept(deployment, 0)], 0
        while asked < requests:
            seen = deployment.shot(MANY, PIECE).run()
            if seen.errors:
                raise RuntimeError(f"{seen.errors} errors after {asked} requests")
            asked += seen.requests
            found.append(_kept(deployment, asked))
    return found


def _kept(deployment: Deployment, asked: int) -> dict:
    client = deployment.broker.client()
    return {
        "requests": asked,
        "keys": client.dbsize(),
        "bytes": client.info("memory")["used_memory_dataset"],
    }
