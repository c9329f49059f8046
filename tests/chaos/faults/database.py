"""What goes wrong with the database in which effects happen once."""

import random
import time

from ..site import Site


def crash_database(site: Site, chance: random.Random) -> None:
    """SIGKILL to its server; it comes back with what was committed."""
    if site.effects is None:
        return
    site.effects.kill()
    time.sleep(chance.random())
    site.effects.serve()
