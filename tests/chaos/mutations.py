"""python -m tests.chaos.mutations [NAME...]: is it noticed when a safeguard is off?

Exit status 0 where each is noticed within two minutes. Each is tried with the faults by which it
shows alone, so that it is soon seen for the right reason; but for that it is chaos as usual. What
neither users nor faults can bring about is shown by tests.
"""

import os
import signal
import subprocess
import sys
import time

from .probe.switch_names import SHOWN_BY, SWITCH_VARIABLE
from .run import Options, run

MINUTES = 2
SEED = 1


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted = sys.argv[1:] or SHOWN_BY
    unnoticed = 0
    print(f"| switched off (seed {SEED}) | shown by | noticed after | requests | by |")
    print("|---|---|---|---|---|")
    for name in wanted:
        shown_by = SHOWN_BY[name]
        began = time.monotonic()
        requests, seen = (_test if shown_by[0].startswith("tests/") else _chaos)(name, shown_by)
        unnoticed += not seen
        after = f"{time.monotonic() - began:.0f} s" if seen else "not"
        row = (name, ", ".join(shown_by), after, requests, seen)
        print(f"| {' | '.join(map(str, row))} |", flush=True)
    return 1 if unnoticed else 0


def _chaos(name: str, faults: tuple[str, ...]) -> tuple[int, str]:
    """How many requests it took, and the first violation; empty where there was none."""
    result = run(Options(minutes=MINUTES, seed=SEED, switch_off=(name,), faults=faults))
    return len(result.outcomes), result.violations[0] if result.violations else ""


def _test(name: str, paths: tuple[str, ...]) -> tuple[int, str]:
    """The same, where the requests are those of tests: none is counted."""
    command = (sys.executable, "-m", "pytest", "--quiet", "--exitfirst", *paths)
    environ = {**os.environ, SWITCH_VARIABLE: name}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    return 0, failed[0].removeprefix("FAILED ") if failed else ""


if __name__ == "__main__":
    sys.exit(main())
