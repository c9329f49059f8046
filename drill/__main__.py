"""python -m drill: upgrade a site while its users click on, and meet two bad releases.

Exit status 0 when behind the queue nobody noticed more than a wait, but for the pages that the
failing release made; 1 where a request met an error, was lost or ran twice, or a command failed; 2
where the drill could not begin.
"""

import argparse
import dataclasses
import json
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from tests.kit.missing import Missing

from .narrator import Narrator
from .plot import draw
from .programs import CommandFailed
from .record import Record
from .runs import behind_the_queue, on_gunicorn
from .table import figures, markdown, table
from .verdict import Verdict

CLEAN, NOT_CLEAN, NOT_BEGUN, INTERRUPTED = 0, 1, 2, 130
SHOWN = 20  # errors


def main() -> int:
    """Run the drill; the exit status."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    narrator = Narrator(Console())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave no process behind
    try:
        queued, verdict = behind_the_queue(options, narrator)
        _tell(narrator, queued, verdict)
        plain = _contrast(options, narrator, queued)
    except Missing as error:
        narrator.trouble(f"{error}, or go without: python -m drill --sqlite")
        return NOT_BEGUN
    except (CommandFailed, AssertionError) as error:
        narrator.trouble(str(error))
        return NOT_CLEAN
    except KeyboardInterrupt:
        return INTERRUPTED
    _write_down(options, narrator, queued, verdict, plain)
    return CLEAN if verdict.clean else NOT_CLEAN


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m drill",
        description="Upgrade a site while its users click on, and meet two bad releases.",
    )
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--calm", type=float, default=6, help="seconds before and after each act")
    parser.add_argument("--migration", type=float, default=12, help="seconds each takes, at least")
    parser.add_argument(
        "--sqlite",
        action="store_true",
        help="no PostgreSQL: a file, whose one lock is a weaker trial than a locked table",
    )
    parser.add_argument(
        "--careless", action="store_true", help="migrate without a hold: see what it is good for"
    )
    parser.add_argument(
        "--alone", action="store_true", help="leave out plain gunicorn: half of the time"
    )
    parser.add_argument("--out", type=Path, default=Path("var"), help="directory of the results")
    return parser.parse_args()


def _contrast(options, narrator: Narrator, queued: Record) -> Record | None:
    """The same without the queue, where that is wanted."""
    if options.alone:
        return None
    if find_spec("gunicorn") is None:
        narrator.note("No contrast: it needs gunicorn.")
        return None
    plain, verdict = on_gunicorn(options, narrator, queued.windows)
    failed = verdict.errors + verdict.failed
    narrator.act(
        f"{verdict.requests} requests, {failed} failed, longest wait {verdict.longest_wait:.1f} s"
    )
    return plain


def _tell(narrator: Narrator, record: Record, verdict: Verdict) -> None:
    for error in [outcome.error for outcome in record.outcomes if outcome.error][:SHOWN]:
        narrator.trouble(error)
    narrator.verdict(verdict)
    if record.rollback is not None:
        took = record.rollback.done - record.rollback.asked
        last = (
            f"{record.rollback_seconds:.2f} s after the rollback was typed, which took {took:.2f} s"
        )
        narrator.note(f"Release 4 failed {verdict.failed} pages; the last came {last}.")


def _write_down(
    options, narrator: Narrator, queued: Record, verdict: Verdict, plain: Record | None
) -> None:
    """Print the table; write figures and picture to files."""
    narrator.table(table(queued, plain))
    facts = dataclasses.asdict(verdict) | queued.facts()
    facts |= {
        "rollback_seconds": queued.rollback_seconds,
        "acts": [dataclasses.asdict(act) for act in figures(queued)],
        "plain": plain
        and plain.facts() | {"acts": [dataclasses.asdict(act) for act in figures(plain)]},
    }
    (options.out / "drill.json").write_text(json.dumps(facts))
    (options.out / "drill.md").write_text(markdown(queued, plain))
    try:
        draw(queued, plain, options.out / "drill.png")
        narrator.note(f"Drawn in {options.out / 'drill.png'}.")
    except ImportError:
        narrator.note("No picture: it needs matplotlib.")


if __name__ == "__main__":
    sys.exit(main())
