"""python -m benchmarks: see ``--help``."""

import argparse
import importlib.util
import sys
from pathlib import Path

from .bars import bars, bars_table
from .candidates import BASELINE, QUICK
from .machine import describe
from .measure import Run
from .report import write_page
from .results import ROUNDS, runs_as_json, save
from .rounds import Chosen, choose, run_rounds
from .scenario_tables import SECTIONS
from .scenarios import hold, limit, priority, slow, soak, statistics, threads
from .summary import Row, by_role, load_tables, summarize
from .wrk import WrkMissing, require

QUICK_ONLY = f"^({'|'.join(QUICK)})/trivial"
MISSING = 2  # exit status where something that is needed is not there


def main() -> int:
    """Run what is asked for: scenarios where any is named, else the rounds."""
    options = _options()
    try:
        _require(options)
    except (WrkMissing, PlotsMissing) as error:
        print(error, file=sys.stderr)
        return MISSING
    named = _scenarios(options)
    for name, run in named.items():
        about = describe()
        try:
            result = run()
        except hold.TooMany as error:
            print(error, file=sys.stderr)
            return MISSING
        print(SECTIONS[name.partition("-")[0]](result))
        if found := bars([], {name: result}):
            print(bars_table(found))
        _keep(options, name, about, result)
    if not named:
        chosen = choose(options.only or (QUICK_ONLY if options.quick else ""))
        if not chosen:
            print(f"Nothing is called like {options.only!r}.", file=sys.stderr)
            return MISSING
        _rounds(options, chosen)
    if options.output:
        write_page(options.output)
    return 0


class PlotsMissing(Exception):
    """matplotlib is not installed: pip install -r benchmarks/requirements.txt"""

    def __str__(self) -> str:
        return self.__doc__


def _require(options: argparse.Namespace) -> None:
    require()
    if options.output and importlib.util.find_spec("matplotlib") is None:
        raise PlotsMissing


def _scenarios(options: argparse.Namespace) -> dict:
    """Those that were asked for: the name of the result, and what makes it."""
    server, seconds = options.server, options.seconds or 8
    found = {}
    for number in options.hold or ():
        found[f"hold-{number}"] = lambda n=number: hold.run(server, n, options.hold_seconds)
    if options.priority:
        found["priority"] = lambda: priority.run(server, options.rounds or 3, seconds)
    if options.slow:
        found["slow"] = lambda: slow.run(server, options.rounds or 3, seconds)
    if options.threads_efficiency:
        found["threads"] = lambda: threads.run(server, seconds)
    if options.broker_limit:
        found["broker"] = lambda: limit.run(seconds)
    if options.statistics is not None:
        found["statistics"] = lambda: statistics.run(
            server, options.rounds or 3, seconds, options.statistics
        )
    if options.soak:
        found["soak"] = lambda: soak.run(server, options.soak)
    return found


def _rounds(options: argparse.Namespace, chosen: Chosen) -> None:
    about = describe()
    seconds = options.seconds or (3 if options.quick else 8)
    runs = []
    for run in run_rounds(chosen, options.rounds or 3, seconds, rest=not options.quick):
        _tell(run)
        runs.append(run)
    rows = summarize(runs)
    print(f"\n{load_tables(rows)}\n{bars_table(bars(rows, {}))}")
    _tell_ratios(rows)
    _keep(options, ROUNDS, about, runs_as_json(runs))


def _keep(options: argparse.Namespace, name: str, about: dict, result: object) -> None:
    if options.output:
        save(options.output, name, about, result)


def _tell(run: Run) -> None:
    seen = run.seen
    print(
        f"{run.round} {run.load:12} {run.candidate:22} {seen.per_second:8,.0f}/s "
        f"p50 {seen.p50:.2f} p99 {seen.p99:.2f} ms, errors {seen.errors}, "
        f"CPU/1000 {sum(run.cpu.values()):.3f} s {by_role(run.cpu, '.3f')}",
        flush=True,
    )


def _tell_ratios(rows: list[Row]) -> None:
    base = {row.load: row.per_second for row in rows if row.candidate == BASELINE.name}
    for row in rows:
        if base.get(row.load) and row.candidate != BASELINE.name:
            ratio = row.per_second / base[row.load]
            print(f"{row.load}: {row.candidate} / {BASELINE.name} = {ratio:.2f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description="Measures every candidate under every load, or the scenarios that are named.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="trivial view, gunicorn sync and one queued")
    add("--only", metavar="REGEX", help="of candidate/load, such as '^(uvicorn|.*-1x1)/trivial'")
    add("--rounds", type=int, metavar="N", help="default 3")
    add("--seconds", type=float, metavar="S", help="of each run (default 8, quick 3)")
    add("--server", choices=("uvicorn", "daphne"), default="uvicorn", help="of the scenarios")
    add("--output", type=Path, metavar="DIR", help="write JSON there, and page and plots anew")
    scenarios = parser.add_argument_group("scenarios")
    add = scenarios.add_argument
    add("--hold", type=int, action="append", metavar="N", help="clients held; may be repeated")
    add("--hold-seconds", type=float, default=60.0, metavar="S", help="default 60")
    add("--soak", type=float, metavar="MINUTES", help="memory of each process over time")
    add("--priority", action="store_true", help="high queue during a flood of the low")
    add("--slow", action="store_true", help="quick requests beside a slow view")
    add("--threads-efficiency", action="store_true", help="50 ms view, 1 to 64 threads")
    add("--statistics", type=int, metavar="N", help="their cost; keys after N requests")
    add("--broker-limit", action="store_true", help="what one broker carries")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
