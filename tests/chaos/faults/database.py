"""What goes wrong with the database in which effects happen once."""

import random

from ..site import Site


def crash_database(site: Site, chance: random.Random) -> None:
    """SIGKILL to its server; it comes back with what was committed."""
    if site.effects is not None:
        site.effects.crash(away=2 * chance.random())


def fail_over_database(site: Site, chance: random.Random) -> None:
    """SIGKILL to its server; its standby is promoted."""
    if site.effects is not None:
        site.effects.fail_over()
