"""Every candidate in turn under every load, round after round."""

import re
from collections.abc import Iterator

from .candidates import CANDIDATES, Candidate
from .deployment import Data
from .loads import LOADS, Load
from .measure import Run, measure

Chosen = list[tuple[Load, list[Candidate]]]

RESTS_AT = "trivial-c32"  # what is sent at rest doesn't depend on the load before


def choose(pattern: str) -> Chosen:
    """Loads with their candidates, where ``candidate/load`` matches the regular expression."""
    wanted = re.compile(pattern)
    chosen = [
        (load, [c for c in CANDIDATES if wanted.search(f"{c.name}/{load.name}")]) for load in LOADS
    ]
    return [(load, candidates) for load, candidates in chosen if candidates]


def run_rounds(
    chosen: Chosen,
    rounds: int,
    seconds: float,
    *,
    rest: bool = True,
) -> Iterator[Run]:
    """Runs as they end. Candidates of one load follow one another, so that noise meets them all."""
    data = Data()
    try:
        for number in range(1, rounds + 1):
            for load, candidates in chosen:
                for candidate in candidates:
                    resting = rest and number == 1 and candidate.queued and load.name == RESTS_AT
                    yield measure(candidate, load, data, number, seconds, rest=resting)
    finally:
        data.close()
