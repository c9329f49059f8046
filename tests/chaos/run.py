"""One run of chaos: users work, faults happen, and in the end everything is counted."""

import random
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass

from .alarm_clock import AlarmClock
from .broker_server import clock_can_be_set
from .effects import committed
from .embedded_site import EmbeddedSite
from .faults import ASK_THE_BROKER, EMBEDDED_FAULTS, FAULTS, NOT_ON, ONCE_FAULTS, set_clock
from .judge import Evidence, judge
from .ledger import QUIET
from .once import ONCE, USUAL, Shares
from .probe.switches import scripts_off
from .report import Result, keep
from .rest import not_at_rest
from .rough_users import ROUGH_USERS
from .site import SETTINGS, Mishap, Site
from .split_site import SplitSite
from .stall_watch import StallWatch
from .users import KINDS, Outcome, User


@dataclass(frozen=True)
class Options:
    """What kind of run.

    Args:
        minutes: how long users work; less where a safeguard is off and a violation is seen.
        seed: of every choice.
        users: how many at once, beside one of each kind that leaves, stalls or dawdles.
        faults: their names; ``all``, ``none``.
        every: seconds between two faults, on average.
        crash_share: how often a worker process dies at each of its boundaries.
        switch_off: names of safeguards to switch off, to see that it is noticed.
        log: a file to which all that the site logs is copied; beside it, as ``.jsonl``, what
            users saw, what was run for them, and the faults.
        at_once: requests at once on the event loop of each worker process; 0 for threads.
        embedded: all by one command, instead of fronts, workers and broker apart.
        once: send nothing but what happens once.
        database: one of effects.DATABASES.
        shares: how many requests of those that happen once meet something.
        processes: of each of the two supervisors.
    """

    minutes: float = 5
    seed: int = 1
    users: int = 24
    faults: tuple[str, ...] = ("all",)
    every: float = 1.0
    crash_share: float = 0.001
    switch_off: tuple[str, ...] = ()
    log: str = ""
    at_once: int = 0
    embedded: bool = False
    once: bool = False
    database: str = "postgresql"
    shares: Shares = USUAL
    processes: int = 2


def run(options: Options) -> Result:
    """Do it; all that was started has ended when this returns."""
    if options.embedded:
        site = EmbeddedSite(options.switch_off, options.crash_share)
    else:
        how = (options.at_once, options.database, options.processes)
        site = SplitSite(options.switch_off, options.crash_share, *how)
    try:
        site.start()
        with scripts_off(options.switch_off):
            result = _hurt(site, options)
        if not (options.switch_off and result.violations):
            result.violations += not_at_rest(site.broker.client())
        site.stop()
        evidence = _evidence(site)
        result.violations += judge(result.outcomes, evidence) + site.violations
        result.violations += site.last_look()
        result.evidence = evidence
        result.ledger = site.ledger.kind
        result.quiet = sum(row.nonce == QUIET for row in evidence.executions)
        if options.log:
            keep(f"{options.log}.jsonl", result.outcomes, evidence)
        return result
    finally:
        site.stop()
        if options.log:
            shutil.copy(site.log, options.log)
        site.close()


def _hurt(site: Site, options: Options) -> Result:
    """Let the users work while faults happen; what came of it, not judged yet."""
    stop = threading.Event()
    users = _users(site, options, stop)
    draw = _Deck(options)
    alarm, stalls = AlarmClock(site.ledger, options.seed), StallWatch(site.mishaps)
    began = time.monotonic()
    for thread in (stalls, alarm, *users):
        thread.start()
    seen: list[str] = []
    while not seen and time.monotonic() < began + options.minutes * 60:
        time.sleep(options.every * (0.5 + draw.chance.random()))
        fault = draw()
        if fault is not None:
            if fault.__module__ in ASK_THE_BROKER:
                site.await_broker()
            happens = time.monotonic()
            fault(site, draw.chance)
            site.mishaps.append(Mishap(fault.__name__, happens, time.monotonic()))
        if options.switch_off:
            seen = _violations(site, users)
    seconds = time.monotonic() - began
    stop.set()
    for user in [] if seen else users:
        user.join(SETTINGS["MAX_HOLD"] + 60)
    alarm.end()
    stalls.end()
    hanging = 0 if seen else sum(user.is_alive() for user in users)
    violations = [f"{hanging} users never got an answer"] if hanging else []
    violations += [f"{user.name} failed" for user in users if user.failed]
    injected = Counter(mishap.name for mishap in site.mishaps)
    return Result(seconds, _seen(site, users), injected, seen + violations)


def _users(site: Site, options: Options, stop: threading.Event) -> list[User]:
    once = () if site.effects is None else ONCE
    classes = [User] * options.users + ([] if options.once else list(ROUGH_USERS))
    kinds = once if options.once else (*KINDS, *once)
    return [
        one(
            f"{one.__name__.lower()}{number}",
            site.ports,
            options.seed,
            stop,
            kinds=kinds,
            shares=options.shares,
        )
        for number, one in enumerate(classes)
    ]


class _Deck:
    """Draws faults: shuffled, each as often as it weighs, then again, so that none is left out."""

    def __init__(self, options: Options):
        self.chance = random.Random(options.seed)
        self._all = [
            fault
            for fault, weight in _weights(options).items()
            for _ in range(weight)
            if "all" in options.faults or fault.__name__ in options.faults
            if fault is not set_clock or clock_can_be_set()
        ]
        self._left: list = []

    def __call__(self):
        if not self._left:
            self._left = self.chance.sample(self._all, len(self._all))
        return self._left.pop() if self._left else None


def _weights(options: Options) -> dict:
    if options.embedded:
        return EMBEDDED_FAULTS
    weights = ONCE_FAULTS if options.once else FAULTS
    without = NOT_ON.get(options.database, ())
    return {fault: weight for fault, weight in weights.items() if fault not in without}


def _seen(site: Site, users: list[User]) -> list[Outcome]:
    return [outcome for user in users for outcome in list(user.outcomes)] + site.outcomes


def _violations(site: Site, users: list[User]) -> list[str]:
    return judge(_seen(site, users), _evidence(site)) + site.violations


def _evidence(site: Site) -> Evidence:
    mishaps, hurt = list(site.mishaps), frozenset(site.hurt)
    executions = site.ledger.read()
    return Evidence(executions, mishaps, hurt, site.must_not_run, committed(site.effects))
