"""Plays a story on processes that are gone afterwards."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit.broker_server import BrokerServer

from .acts import Pace, Story
from .contrast import PlainStory
from .databases import PostgreSQL, SQLite
from .narrator import Narrator
from .plain_site import PlainSite
from .programs import Programs
from .record import Record, Window
from .system import System
from .users import Crowd
from .verdict import Verdict, judge


def behind_the_queue(options: Namespace, narrator: Narrator) -> tuple[Record, Verdict]:
    """Play it on a front, a database, a broker and workers."""
    broker = BrokerServer().start()
    try:
        with _stage(options) as (directory, database):
            environ = {**database.environ, "QUEUEPROXY_BROKER_URL": broker.url}
            system = System(directory, environ, options.migration, narrator.command)
            narrator.act("A front, a database, a broker, and the workers of release 1.")
            with _ended(system):
                system.deploy(1)
                system.manage("migrate", "shop", "0001")
                system.start_front()
                system.start_workers()
                pace = _pace(options, narrator)
                with _users(options, narrator, pace.record, system):
                    Story(system, pace, careless=options.careless).play()
            return pace.record, judge(pace.record.outcomes, **database.nonces())
    finally:
        broker.stop()


def on_gunicorn(
    options: Namespace, narrator: Narrator, acts: Sequence[Window]
) -> tuple[Record, Verdict]:
    """Play the same on gunicorn and a database.

    Args:
        acts: as they were behind the queue.
    """
    with _stage(options) as (directory, database):
        site = PlainSite(directory, database.environ, options.migration, narrator.command)
        narrator.act("For contrast: the same users, the same releases, plain gunicorn.")
        with _ended(site):
            site.deploy(1)
            site.manage("migrate", "shop", "0001")
            site.start()
            pace = _pace(options, narrator)
            with _users(options, narrator, pace.record, site):
                PlainStory(site, pace, acts).play()
        return pace.record, judge(pace.record.outcomes, **database.nonces())


@contextmanager
def _stage(options: Namespace) -> Iterator[tuple[Path, SQLite | PostgreSQL]]:
    """A directory and a new database."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="qpdrill-")))
        database = SQLite(directory) if options.sqlite else PostgreSQL()
        stack.callback(database.stop)
        yield directory, database


@contextmanager
def _ended(programs: Programs) -> Iterator[None]:
    try:
        yield
    finally:
        programs.stop()


def _pace(options: Namespace, narrator: Narrator) -> Pace:
    return Pace(Record(), narrator.act, narrator.note, options.calm)


@contextmanager
def _users(options, narrator: Narrator, record: Record, site) -> Iterator[None]:
    with narrator.watching(record, site), Crowd(options.users, site.port, record):
        yield
