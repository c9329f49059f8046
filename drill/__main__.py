"""python -m drill: upgrade a site twice while its users click on.

Exit status 0 when nobody noticed more than a wait; 1 where a request met an error, was lost or ran
twice, or a command failed; 2 where the drill could not begin.
"""

import argparse
import dataclasses
import json
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from tests.postgres import PostgresMissing
from tests.servers import BrokerServer

from .acts import Story
from .databases import PostgreSQL, SQLite
from .narrator import Narrator
from .plot import draw
from .record import Record
from .system import CommandFailed, System
from .users import Crowd
from .verdict import Verdict, judge

CLEAN, NOT_CLEAN, NOT_BEGUN, INTERRUPTED = 0, 1, 2, 130
SHOWN = 20  # errors


def main() -> int:
    """Run the drill; the exit status."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    narrator = Narrator(Console())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave no process behind
    try:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(TemporaryDirectory(prefix="qpdrill-")))
            database = SQLite(directory) if options.sqlite else PostgreSQL()
            stack.callback(database.stop)
            broker = BrokerServer().start()
            stack.callback(broker.stop)
            environ = {**database.environ, "QUEUEPROXY_BROKER_URL": broker.url}
            record = _perform(options, narrator, directory, environ)
            verdict = judge(record.outcomes, **database.nonces())
    except PostgresMissing as error:
        narrator.trouble(f"{error}, or go without: python -m drill --sqlite")
        return NOT_BEGUN
    except (CommandFailed, AssertionError) as error:
        narrator.trouble(str(error))
        return NOT_CLEAN
    except KeyboardInterrupt:
        return INTERRUPTED
    return _conclude(options, narrator, record, verdict)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m drill", description="Upgrade a site twice while its users click on."
    )
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--calm", type=float, default=8, help="seconds before and after each act")
    parser.add_argument("--migration", type=float, default=12, help="seconds each takes, at least")
    parser.add_argument(
        "--sqlite",
        action="store_true",
        help="no PostgreSQL: a file, whose one lock is a weaker trial than a locked table",
    )
    parser.add_argument(
        "--careless", action="store_true", help="migrate without a hold: see what it is good for"
    )
    parser.add_argument("--out", type=Path, default=Path("var"), help="directory of the results")
    return parser.parse_args()


def _perform(options, narrator: Narrator, directory: Path, environ: dict[str, str]) -> Record:
    """The whole story, on processes that are gone afterwards."""
    system = System(directory, environ, options.migration, narrator.command)
    try:
        narrator.act("A front, a database, a broker, and the workers of release 1.")
        system.deploy(1)
        system.manage("migrate", "shop", "0001")
        system.start_front()
        system.start_workers()
        record = Record()
        story = Story(system, record, narrator.act, calm=options.calm, careless=options.careless)
        with narrator.watching(record, system), Crowd(options.users, system.port, record):
            story.play()
    finally:
        system.stop()
    return record


def _conclude(options, narrator: Narrator, record: Record, verdict: Verdict) -> int:
    """Tell how it ended and write it down; the exit status."""
    for error in [outcome.error for outcome in record.outcomes if outcome.error][:SHOWN]:
        narrator.trouble(error)
    narrator.verdict(verdict)
    facts = dataclasses.asdict(verdict) | record.facts()
    (options.out / "drill.json").write_text(json.dumps(facts))
    try:
        draw(record, verdict, options.out / "drill.png")
        narrator.note(f"Drawn in {options.out / 'drill.png'}.")
    except ImportError:
        narrator.note("No picture: it needs matplotlib.")
    return CLEAN if verdict.clean else NOT_CLEAN


if __name__ == "__main__":
    sys.exit(main())
