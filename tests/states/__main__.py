"""python -m tests.states: drive the scripts through the states of a request, for as long as told.

--steps N        about so many, in rounds of ten thousand (a million unless told)
--seed N         of the first round; the next is of the next (0 unless told)
--mutations [NAME...]  see instead that each safeguard of the scripts is missed once it is off

Exit status 0 where the scripts made no move that docs/states.md does not allow, or where each
missing safeguard was noticed.
"""

import argparse
import sys
import time
from collections import Counter

from ..chaos.probe.script_switches import NAMES
from ..chaos.probe.switches import scripts_off
from ..kit.broker_server import BrokerServer
from .base import Base
from .run import run
from .table import Move, moves

ROUND = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.states")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutations", nargs="*", metavar="NAME", choices=(*NAMES, []))
    options = parser.parse_args()
    server = BrokerServer().start()
    try:
        if options.mutations is not None:
            return try_mutations(server, options.mutations or NAMES, options.seed)
        return run_long(server, options.steps, options.seed)
    finally:
        server.stop()


def run_long(server: BrokerServer, steps: int, seed: int) -> int:
    """Run rounds, and say at the end which moves of the page were never made."""
    made: Counter[Move] = Counter()
    calls, began = 0, time.monotonic()
    while calls < steps:
        seen = run(server.url, min(ROUND, steps), seed)
        calls += seen.calls
        made += seen.moves
        print(f"seed {seed}: {calls} calls, {time.monotonic() - began:.0f} s", flush=True)
        seed += 1
    print(f"{sum(made.values())} moves, {len(made)} of {len(moves())} kinds; never made:")
    for move in sorted(moves() - {*made}):
        print(f"  {move.source} -> {move.target} by {move.script}")
    return 0


def try_mutations(server: BrokerServer, names: tuple[str, ...], seed: int) -> int:
    """Switch each off, and run until it is noticed."""
    unnoticed = 0
    print("| switched off | noticed after calls | seconds | by |\n|---|---|---|---|")
    for name in names:
        began, seen = time.monotonic(), ""
        with scripts_off((name,)):
            try:
                run(server.url, ROUND, seed, shrink=False)
            except AssertionError as error:
                seen = str(error).splitlines()[0]
            except BaseExceptionGroup as several:
                seen = "; ".join(str(error).splitlines()[0] for error in several.exceptions)
        unnoticed += not seen
        seconds = time.monotonic() - began
        print(f"| {name} | {Base.steps if seen else 'not'} | {seconds:.0f} | {seen} |", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
