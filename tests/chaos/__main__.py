"""python -m tests.chaos: hurt the system for a while, then count.

Exit status 0 without a violation, 1 with one.
"""

import argparse
import random
import sys
import threading
import time
from collections import Counter

from ..waiting import wait_until
from .faults import FAULTS, crash_broker, flush_broker
from .judge import at_rest, judge, read_ledger
from .probe.switch_names import SWITCH_NAMES
from .site import SETTINGS, Site
from .users import User

DATA_LOSS = (crash_broker, flush_broker)


def main() -> int:
    options = _options()
    chance = random.Random(options.seed)
    site = Site(tuple(options.switch_off), options.crash_share)
    stop = threading.Event()
    users = [User(n, site.ports, options.seed, stop) for n in range(options.users)]
    injected: Counter[str] = Counter()
    try:
        wait_until(lambda: _answers(site), "the site")
        for user in users:
            user.start()
        _inject(site, chance, options, injected)
        stop.set()
        for user in users:
            user.join(SETTINGS["MAX_HOLD"] + 60)
        hanging = sum(user.is_alive() for user in users)
    finally:
        site.stop()
    outcomes = [outcome for user in users for outcome in user.outcomes]
    runs = read_ledger(site.ledger.read_text().splitlines())
    lost = any(fault.__name__ in injected for fault in DATA_LOSS)
    violations = judge(outcomes, runs, broker_lost=lost)
    violations += [f"{nonce} was withdrawn and run" for nonce in site.must_not_run if nonce in runs]
    violations += [f"{hanging} users never got an answer"] if hanging else []
    violations += at_rest(site.broker.client())
    site.broker.stop()
    _report(options, outcomes, runs, injected, violations)
    return 1 if violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    names = [fault.__name__ for fault in FAULTS]
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=24)
    parser.add_argument("--faults", nargs="+", default=["all"], choices=["all", "none", *names])
    parser.add_argument("--every", type=float, default=1.0, help="seconds between faults")
    parser.add_argument("--crash-share", type=float, default=0.001, help="deaths at a boundary")
    parser.add_argument("--switch-off", nargs="*", default=[], choices=SWITCH_NAMES)
    return parser.parse_args()


def _answers(site: Site) -> bool:
    from http.client import HTTPConnection

    try:
        for port in site.ports:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/-/readyz")
            if connection.getresponse().status != 200:
                return False
            connection.close()
    except OSError:
        return False
    return True


def _inject(site: Site, chance: random.Random, options, injected: Counter[str]) -> None:
    chosen = {
        fault: weight
        for fault, weight in FAULTS.items()
        if "all" in options.faults or fault.__name__ in options.faults
    }
    until = time.monotonic() + options.minutes * 60
    while time.monotonic() < until:
        time.sleep(options.every * (0.5 + chance.random()))
        if chosen:
            (fault,) = chance.choices(list(chosen), weights=list(chosen.values()))
            fault(site, chance)
            injected[fault.__name__] += 1


def _report(options, outcomes, runs, injected, violations) -> None:
    by_status = Counter((outcome.kind, outcome.status) for outcome in outcomes)
    print(f"seed {options.seed}, {options.minutes:g} minutes, {options.users} users")
    print(f"requests {len(outcomes)}, executions {sum(map(len, runs.values()))}")
    for kind in sorted({outcome.kind for outcome in outcomes}):
        parts = [f"{s}: {n}" for (k, s), n in sorted(by_status.items()) if k == kind]
        print(f"  {kind:<7} {', '.join(parts)}")
    print("faults   " + ", ".join(f"{name}: {n}" for name, n in sorted(injected.items())))
    slowest = max((outcome.seconds for outcome in outcomes), default=0)
    twice = sum(len(tokens) > 1 for tokens in runs.values())
    print(f"slowest {slowest:.1f} s, requests run again {twice}")
    print(f"violations {len(violations)}")
    for violation in violations[:40]:
        print("  " + violation)


if __name__ == "__main__":
    sys.exit(main())
