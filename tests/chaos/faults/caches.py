"""Views that empty a cache of the project: beside the queue, or in the queue's own database."""

import random

from ..site import Site
from ..users import ask


def clear_own_cache(site: Site, chance: random.Random) -> None:
    """``cache.clear()`` where the cache has a database of its own: nobody notices."""
    _clear(site, chance, "default")


def clear_shared_cache(site: Site, chance: random.Random) -> None:
    """``cache.clear()`` of a cache in the queue's database: the queue is gone with it."""
    _clear(site, chance, "shared")


def _clear(site: Site, chance: random.Random, cache: str) -> None:
    nonce = f"clear{chance.getrandbits(40):x}"
    site.outcomes.append(ask(chance.choice(site.ports), nonce, "CLEAR", query=f"cache={cache}"))
