"""python -m benchmarks: see ``--help``."""

import argparse
import sys

from .candidates import BASELINE, QUICK
from .measure import Run
from .rounds import choose, run_rounds
from .summary import by_role, load_tables, summarize
from .wrk import WrkMissing, require

QUICK_ONLY = f"^({'|'.join(QUICK)})/trivial"


def main() -> int:
    """Run what is asked for; 2 where something that is needed is missing."""
    options = _options()
    try:
        require()
    except WrkMissing as error:
        print(error, file=sys.stderr)
        return 2
    pattern = options.only or (QUICK_ONLY if options.quick else "")
    rounds = options.rounds or 3
    seconds = options.seconds or (3 if options.quick else 8)
    runs = []
    for run in run_rounds(choose(pattern), rounds, seconds, rest=not options.quick):
        _tell(run)
        runs.append(run)
    rows = summarize(runs)
    print(f"\n{load_tables(rows)}")
    for row in rows:
        base = [r for r in rows if r.load == row.load and r.candidate == BASELINE.name]
        if base and row.candidate != BASELINE.name:
            ratio = row.per_second / base[0].per_second
            print(f"{row.load}: {row.candidate} / {BASELINE.name} = {ratio:.2f}")
    return 0


def _tell(run: Run) -> None:
    seen = run.seen
    print(
        f"{run.round} {run.load:12} {run.candidate:22} {seen.per_second:8,.0f}/s "
        f"p50 {seen.p50:.2f} p99 {seen.p99:.2f} ms, errors {seen.errors}, "
        f"CPU/1000 {sum(run.cpu.values()):.3f} s ({by_role(run.cpu, '.3f')})",
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="trivial view, two candidates")
    parser.add_argument("--only", metavar="REGEX", help="of candidate/load")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
