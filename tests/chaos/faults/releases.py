"""Releases that are activated and rolled back while the site is at work."""

import random
import time
from contextlib import suppress

from queueproxy.broker.operate.control import Control
from queueproxy.broker.operate.releases import Releases
from queueproxy.exceptions import BrokerUnavailable

from ...kit.links import link_to
from ...kit.proc import children
from ...kit.waiting import wait_until
from ..site import QUEUES
from ..split_site import RELEASES, SplitSite

STILL_WITHIN = 3.0  # seconds until a pause has nothing in flight
LONGER = 20.0  # seconds more that the pause may last, on a busy machine
SWITCHES = 20  # activations in a row, as fast as they go


def switch_releases(site: SplitSite, chance: random.Random) -> None:
    """Each of the two releases serves for a while, alone; in the end both serve again.

    The first switches are made in a pause, with nothing in flight, so that it is clear who may run
    what; the others as fast as they go, under load.
    """
    with link_to(site.broker.url) as link:
        control, releases = Control(link), Releases(link)
        try:
            for name in chance.sample(RELEASES, 2):
                _serve_alone(site, control, releases, name, chance)
            for _ in range(SWITCHES):
                releases.roll_back(keep=600)
                time.sleep(chance.random() * 0.1)
        except BrokerUnavailable:
            pass
        finally:
            site.bar([])
            with suppress(BrokerUnavailable):
                control.resume(QUEUES)
                releases.activate("", keep=0)


def _serve_alone(
    site: SplitSite, control: Control, releases: Releases, name: str, chance: random.Random
) -> None:
    control.pause(QUEUES, STILL_WITHIN + LONGER, by="deploy@here")
    try:
        wait_until(lambda: not control.stillness(QUEUES).in_flight, timeout=STILL_WITHIN)
        if releases.activate(name, keep=600).what in ("done", "already"):
            site.bar(children(site.supervisors[1 - RELEASES.index(name)].pid))
    except AssertionError:
        return  # a view runs too long
    finally:
        control.resume(QUEUES)
    time.sleep(0.5 + chance.random())
    site.bar([])
