"""The broker's books, examined while everybody is at work."""

import random

from ..rest import counted_wrong
from ..site import Site


def recount(site: Site, chance: random.Random) -> None:
    """All stand still for a moment, and what the broker counts is what is there."""
    site.violations += counted_wrong(site.broker.client())
