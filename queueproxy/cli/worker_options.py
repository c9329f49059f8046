"""Makes the options of a worker process of settings and command line."""

import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from .. import conf
from ..broker.own_release import OwnRelease, is_release_name
from ..route_table import OPS_QUEUE
from ..wording import did_you_mean
from ..worker.migrations import has_database
from ..worker.options import WorkerOptions
from ..worker.policy_survey import survey
from ..worker.process_info import RELEASE_VARIABLE, release
from ..worker.process_words import CANNOT_START
from ..worker.scaling.process_range import ProcessRange, most_of
from .program import directory


def worker_options(options: dict[str, Any]) -> WorkerOptions:
    """Settings and command line as one.

    Raises:
        CommandError: they contradict each other.
    """
    settings = conf.get_settings()
    queues = _queues(options["queues"], settings.queues)
    if options["require_migrations"] and not has_database():
        says = "--require-migrations: DATABASES names no default database."
        raise CommandError(says, returncode=2)
    if options["at_once"]:
        _see_that_nothing_is_exactly_once()
    grace = options["stream_grace"]
    return WorkerOptions(
        broker=conf.broker(),
        queues=(OPS_QUEUE, *queues),  # the operators' lane is everybody's
        secrets=conf.signing_secrets(),
        threads=options["threads"],
        at_once=options["at_once"],
        spin=not options["at_once"]
        and _has_cores_to_spare(most_of(options["processes"]), options["threads"]),
        burst=options["burst"],
        max_requests=options["max_requests"],
        graceful_timeout=options["graceful_timeout"],
        view_timeout=settings.view_timeout,
        stream_grace=settings.stream_grace if grace is None else grace,
        name=options["name"],
        release=_own_release(options, standby=options["standby"] or settings.releases),
        require_migrations=options["require_migrations"],
        policies=conf.policies_by_name(),
        retry_methods=frozenset(settings.retry_methods),
        keep_executions=settings.keep_executions,
        keep_answered=settings.keep_answered,
        follows_load=isinstance(options["processes"], ProcessRange),
    )


def _queues(asked: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """Return the queues that are to be served.

    Raises:
        CommandError: there is none of that name.
    """
    for queue in asked or ():
        if queue not in known:
            meant = did_you_mean(queue, known)
            raise CommandError(
                f"No queue {queue!r}.{meant} Queues: {', '.join(known)}.", returncode=2
            )
    return tuple(asked or known)


def release_of(options: dict[str, Any], place: str) -> str:
    """Return the name of the release that is in a directory now; empty where nothing tells."""
    return options["release"] or release(Path(place))


def _own_release(options: dict[str, Any], *, standby: bool) -> OwnRelease:
    name = release_of(options, directory())
    if standby and not is_release_name(name):
        raise CommandError(
            "To stand by, a worker needs the name of its release (one word, 100 characters): "
            f"--release or {RELEASE_VARIABLE}.",
            returncode=2,
        )
    if standby and options["burst"]:
        raise CommandError("--burst: what ends when nothing waits can't stand by.", returncode=2)
    return OwnRelease(name, int(standby))


def _see_that_nothing_is_exactly_once() -> None:
    for view, _ in survey(conf.policies_by_name()).views:
        if any(said.policy.database for said in view.policies):
            raise CommandError(
                f"--async: {view.name} ({view.shown}) says exactly_once, which takes a thread and "
                "its transaction: serve this site with --threads.",
                returncode=2,
            )


def _has_cores_to_spare(processes: int, threads: int) -> bool:
    """Whether there are cores to spare for threads that wait awake."""
    return threads == 1 and 2 * processes <= (os.cpu_count() or 1)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Print once, in one line, why the project's code can't be loaded."""
    try:
        yield
    except CommandError:
        raise
    except Exception as error:
        *_, last = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith("<frozen")
        ]
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        where = f"{last.filename}, line {last.lineno}"
        raise CommandError(
            f"The worker can't start: {what} ({where}). More with --traceback.",
            returncode=CANNOT_START,
        ) from error
