"""python -m tests.chaos.mutations [NAME...]: does the checker notice a safeguard that is off?

Exit status 0 where each is noticed within two minutes. Each is tried with the faults by which it
shows alone, so that it is soon seen for the right reason; but for that it is chaos as usual.
"""

import signal
import sys

from .probe.switch_names import SHOWN_BY
from .run import Options, run

MINUTES = 2
SEED = 1


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted = sys.argv[1:] or SHOWN_BY
    unnoticed = 0
    print(f"| switched off (seed {SEED}) | faults | noticed after | requests | by |")
    print("|---|---|---|---|---|")
    for name in wanted:
        faults = SHOWN_BY[name]
        result = run(Options(minutes=MINUTES, seed=SEED, switch_off=(name,), faults=faults))
        seen = result.violations
        unnoticed += not seen
        after = f"{result.seconds:.0f} s" if seen else "not"
        by = seen[0] if seen else ""
        row = (name, ", ".join(faults), after, len(result.outcomes), by)
        print(f"| {' | '.join(map(str, row))} |", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
