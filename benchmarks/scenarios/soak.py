"""Hours of mixed load in small: whether any process's memory grows."""

import time
from collections.abc import Iterable, Sequence
from itertools import cycle

from ..candidates import queued
from ..deployment import Data, Deployment
from ..loads import FULL, LOADS
from ..processes import memory_bytes

SEGMENT = 10.0  # seconds of one load, then the next
WARM = 0.3  # of the time is warm-up
Sample = tuple[float, int]  # seconds since the start, bytes


def run(server: str, minutes: float) -> dict:
    """Every load in turn for so long; memory after each, by process."""
    data = Data()
    try:
        with Deployment(queued(server, 2, 4), FULL, data) as deployment:
            return _soak(deployment, minutes * 60)
    finally:
        data.close()


def _soak(deployment: Deployment, seconds: float) -> dict:
    processes = {f"{role} {pid}": pid for role, pids in deployment.pids().items() for pid in pids}
    samples: dict[str, list[Sample]] = {name: [] for name in processes}
    began = time.monotonic()
    requests = errors = 0
    for load in cycle(LOADS):
        seen = deployment.shot(load, SEGMENT).run()
        requests, errors = requests + seen.requests, errors + seen.errors
        now = time.monotonic() - began
        for name, pid in processes.items():
            samples[name].append((now, memory_bytes([pid])))
        if now >= seconds:
            break
    return {
        "minutes": seconds / 60,
        "requests": requests,
        "errors": errors,
        "slopes": {name: slope_per_ten_minutes(after_warm_up(s)) for name, s in samples.items()},
        "samples": samples,
    }


def after_warm_up(samples: Sequence[Sample]) -> list[Sample]:
    """Those after the first WARM of the time."""
    first = samples[-1][0] * WARM
    return [sample for sample in samples if sample[0] >= first]


def slope_per_ten_minutes(samples: Iterable[Sample]) -> float:
    """Bytes in ten minutes by least squares; 0 where there are too few to tell."""
    samples = list(samples)
    if len(samples) < 2:
        return 0.0
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_b = sum(b for _, b in samples) / len(samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return 600 * sum((t - mean_t) * (b - mean_b) for t, b in samples) / spread if spread else 0.0
