"""Every load in turn, over and over: whether any process's memory grows."""

import time
from collections.abc import Sequence
from itertools import combinations
from statistics import median

from tests.kit.proc import shared_memory

from ..candidates import queued
from ..deployment import Data, Deployment
from ..loads import FULL, LOADS

SEGMENT = 5.0  # seconds of one load, then the next
# The small requests last: memory is read at the end of a cycle, away from the large bodies.
CYCLE = sorted(LOADS, key=lambda load: load.name.startswith("trivial"))
WARM = 0.3  # of the time is warm-up
Sample = tuple[float, int]  # seconds since the start, bytes


def run(server: str, minutes: float) -> dict:
    """Cycles for so long, at least two; memory after each, by process."""
    data = Data()
    try:
        with Deployment(queued(server, 2, 4), FULL, data) as deployment:
            return _soak(deployment, minutes * 60)
    finally:
        data.close()


def _soak(deployment: Deployment, seconds: float) -> dict:
    processes = _named(deployment.pids())
    samples: dict[str, list[Sample]] = {name: [] for name in processes}
    began = time.monotonic()
    requests = errors = cycles = 0
    while cycles < 2 or time.monotonic() - began < seconds:
        for load in CYCLE:
            seen = deployment.shot(load, SEGMENT).run()
            requests, errors = requests + seen.requests, errors + seen.errors
        cycles += 1
        now = time.monotonic() - began
        for name, pid in processes.items():
            samples[name].append((now, shared_memory([pid])))
    return {
        "minutes": (time.monotonic() - began) / 60,
        "requests": requests,
        "errors": errors,
        "slopes": {name: slope_per_ten_minutes(after_warm_up(s)) for name, s in samples.items()},
        "samples": samples,
    }


def _named(pids: dict[str, list[int]]) -> dict[str, int]:
    named = {}
    for role, (first, *others) in pids.items():
        named[f"{role} supervisor" if others else role] = first
        named |= {f"{role} process {n}": pid for n, pid in enumerate(others, 1)}
    return named


def after_warm_up(samples: Sequence[Sample]) -> list[Sample]:
    """Those after the first WARM of the time."""
    first = samples[-1][0] * WARM
    return [sample for sample in samples if sample[0] >= first]


def slope_per_ten_minutes(samples: Sequence[Sample]) -> float:
    """Bytes in ten minutes: the median slope between any two samples; 0 where there is only one.

    Theil and Sen's, not least squares: a sample that finds what an allocator still keeps of large
    bodies lies some 20 MB above the others, and a few of them would be all the slope there is.
    """
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(samples, 2)]
    return 600 * median(slopes) if slopes else 0.0
