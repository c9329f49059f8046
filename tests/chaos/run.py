"""One run of chaos: users work, faults happen, and in the end everything is counted."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.client import HTTPConnection

from ..waiting import wait_until
from .faults import FAULTS
from .judge import at_rest, judge
from .ledger import by_nonce
from .report import Result
from .site import SETTINGS, Mishap, Site
from .users import Outcome, User


@dataclass(frozen=True)
class Options:
    """What kind of run.

    Args:
        minutes: how long users work; less where a safeguard is off and a violation is seen.
        seed: of every choice.
        users: how many at once.
        faults: their names; ``all``, ``none``.
        every: seconds between two faults, on average.
        crash_share: how often a worker process dies at each of its boundaries.
        switch_off: names of safeguards to switch off, to see that it is noticed.
    """

    minutes: float = 5
    seed: int = 1
    users: int = 24
    faults: tuple[str, ...] = ("all",)
    every: float = 1.0
    crash_share: float = 0.001
    switch_off: tuple[str, ...] = ()


def run(options: Options) -> Result:
    """Do it; all that was started has ended when this returns."""
    site = Site(options.switch_off, options.crash_share)
    try:
        site.start()
        wait_until(lambda: _ready(site), "the site")
        result = _hurt(site, options)
        site.stop()
        result.violations += _judge(site, result.outcomes)
        result.violations += at_rest(site.broker.client())
        result.runs = by_nonce(site.ledger.read())
        result.ledger = site.ledger.kind
        return result
    finally:
        site.stop()
        site.close()


def _ready(site: Site) -> bool:
    for port in site.ports:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/-/readyz")
            if connection.getresponse().status != 200:
                return False
        except OSError:
            return False
        finally:
            connection.close()
    return True


def _hurt(site: Site, options: Options) -> Result:
    """Let the users work while faults happen; what came of it, not judged yet."""
    stop = threading.Event()
    users = [User(n, site.ports, options.seed, stop) for n in range(options.users)]
    draw = _Deck(options)
    began = time.monotonic()
    for user in users:
        user.start()
    while time.monotonic() < began + options.minutes * 60:
        time.sleep(options.every * (0.5 + draw.chance.random()))
        fault = draw()
        if fault is not None:
            happens = time.monotonic()
            fault(site, draw.chance)
            site.mishaps.append(Mishap(fault.__name__, happens, time.monotonic()))
        if options.switch_off and _judge(site, _seen(site, users)):
            break
    seconds = time.monotonic() - began
    stop.set()
    for user in users:
        user.join(SETTINGS["MAX_HOLD"] + 60)
    hanging = sum(user.is_alive() for user in users)
    violations = [f"{hanging} users never got an answer"] if hanging else []
    injected = Counter(mishap.name for mishap in site.mishaps)
    return Result(seconds, _seen(site, users), injected, violations)


class _Deck:
    """Draws faults: shuffled, each as often as it weighs, then again, so that none is left out."""

    def __init__(self, options: Options):
        self.chance = random.Random(options.seed)
        self._all = [
            fault
            for fault, weight in FAULTS.items()
            for _ in range(weight)
            if "all" in options.faults or fault.__name__ in options.faults
        ]
        self._left: list = []

    def __call__(self):
        if not self._left:
            self._left = self.chance.sample(self._all, len(self._all))
        return self._left.pop() if self._left else None


def _seen(site: Site, users: list[User]) -> list[Outcome]:
    return [outcome for user in users for outcome in list(user.outcomes)] + site.outcomes


def _judge(site: Site, outcomes: list[Outcome]) -> list[str]:
    runs = by_nonce(site.ledger.read())
    withdrawn = [f"{nonce} was withdrawn and run" for nonce in site.must_not_run if nonce in runs]
    return judge(outcomes, runs, site.mishaps) + withdrawn
