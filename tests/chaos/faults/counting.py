"""The broker's books, examined while everybody is at work."""

import random
from contextlib import suppress

import redis

from ...kit.waiting import wait_until
from ..rest import counted_wrong
from ..site import Site

BACK_WITHIN = 10.0  # seconds that a broker may be away, which has just been killed


def recount(site: Site, chance: random.Random) -> None:
    """All stand still for a moment, and what the broker counts is what is there."""
    wait_until(lambda: _answers(site), "the broker is back", BACK_WITHIN)
    site.violations += counted_wrong(site.broker.client())


def _answers(site: Site) -> bool:
    with suppress(redis.ConnectionError):
        return bool(site.broker.client().ping())
    return False
