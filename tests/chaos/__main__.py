"""python -m tests.chaos: hurt the system for a while, then count.

Exit status 0 without a violation, 1 with one. With --switch-off it ends at the first violation.
"""

import argparse
import signal
import sys

from .effects import DATABASES
from .faults import EMBEDDED_FAULTS, FAULTS
from .once import Shares
from .probe.switch_names import SWITCH_NAMES
from .report import report
from .run import Options, run


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without taking everything down
    options = _options()
    result = run(options)
    report(result, options.seed)
    return 1 if result.violations else 0


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    names = sorted(fault.__name__ for fault in {**FAULTS, **EMBEDDED_FAULTS})
    default = Options()
    parser.add_argument("--minutes", type=float, default=default.minutes)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--users", type=int, default=default.users)
    parser.add_argument(
        "--faults", nargs="+", default=default.faults, choices=["all", "none", *names]
    )
    parser.add_argument(
        "--every", type=float, default=default.every, help="seconds between two faults"
    )
    parser.add_argument(
        "--crash-share", type=float, default=default.crash_share, help="deaths at a boundary"
    )
    parser.add_argument("--switch-off", nargs="*", default=default.switch_off, choices=SWITCH_NAMES)
    parser.add_argument(
        "--embedded", action="store_true", help="all by one runqueueproxy --embedded --workers"
    )
    parser.add_argument(
        "--async",
        dest="at_once",
        type=int,
        default=default.at_once,
        metavar="N",
        help="workers run N requests at once on an event loop, and async views",
    )
    parser.add_argument(
        "--once", action="store_true", help="send nothing but what happens exactly once"
    )
    parser.add_argument("--database", default=default.database, choices=DATABASES)
    parser.add_argument(
        "--once-killed", type=float, default=default.shares.killed, help="share of these requests"
    )
    parser.add_argument("--once-frozen", type=float, default=default.shares.frozen)
    parser.add_argument(
        "--processes", type=int, default=default.processes, help="of each of two supervisors"
    )
    parser.add_argument("--log", default=default.log, help="keep what the site logs in this file")
    words = vars(parser.parse_args())
    shares = Shares(words.pop("once_killed"), words.pop("once_frozen"))
    words |= {name: tuple(words[name]) for name in ("faults", "switch_off")}
    return Options(**words, shares=shares)


if __name__ == "__main__":
    sys.exit(main())
