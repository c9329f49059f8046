"""Requests that are to happen once: their kinds, and where their workers die or faint."""

import random
from typing import NamedTuple

ONCE = ("ONCE", "ONCE", "ONCE-UPLOAD", "ONCE-AGAIN", "ONCE-FAIL")

# Where a worker is killed, or stopped; see probe/mishap.py.
BOUNDARIES = (
    *("claimed", "entering", "before-insert", "inserted", "view", "written", "before-update"),
    *("before-commit", "in-commit", "committed", "replay", "before-settle", "settled"),
)
FREEZABLE = tuple(place for place in BOUNDARIES if place != "in-commit")
# Of those that have no answer to store.
FAILING = ("claimed", "entering", "before-insert", "inserted", "view", "written", "before-settle")
AWAKE_AFTER = (2.0, 4.0, 7.0, 10.0)  # seconds that a worker is stopped for


class Shares(NamedTuple):
    """How many of these requests meet something.

    Attributes:
        killed: whose first worker is killed; in a replay the second.
        frozen: whose worker is stopped for a while.
    """

    killed: float = 0.05
    frozen: float = 0.0


USUAL = Shares()


def misfortune(kind: str, chance: random.Random, shares: Shares) -> str:
    """Choose what befalls a request, as its query; mostly nothing."""
    drawn = chance.random()
    if drawn < shares.killed:
        return _query("kill", "then-kill", kind, chance.choice(_places(kind, BOUNDARIES)))
    if drawn < shares.killed + shares.frozen:
        return _query("freeze", "then-freeze", kind, chance.choice(_places(kind, FREEZABLE)))
    return ""


def _places(kind: str, places: tuple[str, ...]) -> tuple[str, ...]:
    return FAILING if kind == "ONCE-FAIL" else places


def _query(word: str, then: str, kind: str, place: str) -> str:
    """Spell it. A request that its client does not send again is replayed for its own worker."""
    if place == "replay" and kind != "ONCE-AGAIN":
        return f"kill=committed&{then}=replay"
    return f"{word}={place}"
