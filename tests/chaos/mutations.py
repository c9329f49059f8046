"""python -m tests.chaos.mutations: does the checker notice a safeguard that is off?

Exit status 0 where each is noticed within two minutes.
"""

import signal
import sys

from .probe.switch_names import SWITCH_NAMES
from .run import Options, run

MINUTES = 2
SEED = 1


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unnoticed = 0
    print(f"| switched off (seed {SEED}) | noticed after | requests | by |\n|---|---|---|---|")
    for name in SWITCH_NAMES:
        result = run(Options(minutes=MINUTES, seed=SEED, switch_off=(name,)))
        seen = result.violations
        unnoticed += not seen
        after = f"{result.seconds:.0f} s" if seen else "not"
        by = seen[0] if seen else ""
        print(f"| {name} | {after} | {len(result.outcomes)} | {by} |", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
