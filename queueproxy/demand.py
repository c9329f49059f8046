"""Tells how many requests have to run at once to serve a load: pure, for all who ask.

A slot runs one request at a time: a thread, or a place on an event loop.
"""

import math

CLEAR_WITHIN = 2.0  # seconds in which slots beside those for new requests are to run what waits


def slots_needed(load: float, depth: float = 0, run_seconds: float = 0.0) -> float:
    """Return how many slots serve a load with short waits.

    As many as are busy on average, and the square root of that as a reserve for chance (the rule
    by which call centres are staffed: few then find nobody free, whatever the size), and those
    that run what waits within CLEAR_WITHIN.

    Args:
        load: requests that arrive in the time that one runs: arrivals a second, times seconds each
            runs.
        depth: requests that wait already and should not; 0 where they wait briefly.
        run_seconds: that each takes.
    """
    backlog = depth * min(1.0, run_seconds / CLEAR_WITHIN)
    return load + math.sqrt(load) + backlog


def processes_for(slots: float, of_each: int) -> int:
    """Return how many processes have so many slots, with ``of_each`` in one; at least 1."""
    return max(1, math.ceil(round(slots / of_each, 6)))
