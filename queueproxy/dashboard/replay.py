"""Runs dead letters again from a view, which may itself be a request that a worker runs."""

import asyncio
from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.translation import gettext as _

from .. import conf
from ..broker.link.links import Link
from ..broker.observe.processes import ENDING
from ..broker.observe.reader import SnapshotReader
from ..broker.observe.snapshot import Snapshot
from ..broker.operate.control import Control
from ..broker.operate.listed import DeadLetter
from ..broker.operate.replay import replay
from ..broker.operate.replay_many import Replayed, replay_many


class NotNow(Exception):
    """Nothing was tried; the text says why."""


def replay_now(link: Link, letter: DeadLetter, request: HttpRequest) -> int:
    """Run it and wait; the status it was answered with.

    Raises:
        NotNow: no worker could take it while this request waits for that.
        CannotReplay: it is not whole, no worker took it in time, or its worker was lost again.
    """
    _see_that_they_can_run(link, [letter.queue], request)
    return asyncio.run(_replay(letter, conf.get_settings().max_hold / 2))


def replay_all_now(
    link: Link, queues: Iterable[str], letters: Iterable[DeadLetter], request: HttpRequest
) -> Replayed:
    """Run them, as many as there is time for, and wait.

    Args:
        queues: all those of the letters.

    Raises:
        NotNow: as of `replay_now`.
    """
    _see_that_they_can_run(link, queues, request)
    seconds = conf.get_settings().max_hold / 4  # to begin them, and the same for their answers
    return asyncio.run(replay_many(letters, lambda letter: _replay(letter, seconds), seconds))


async def _replay(letter: DeadLetter, hold: float) -> int:
    settings = conf.get_settings()
    return await replay(
        letter,
        broker=conf.broker(),
        queues=settings.all_queues,
        secrets=conf.signing_secrets(),
        hold=hold,
        kept=settings.keep_executions,
    )


def _see_that_they_can_run(link: Link, queues: Iterable[str], request: HttpRequest) -> None:
    snapshot = SnapshotReader(link, conf.get_settings().all_queues).snapshot()
    for queue in queues:
        if Control(link).paused([queue]):
            raise NotNow(_("The queue %s is paused.") % queue)
        if not _has_thread_for(queue, snapshot, request.META.get("HTTP_X_REQUEST_ID", "")):
            raise NotNow(
                _(
                    "There is no worker thread to run it while this page occupies one. Start "
                    "another."
                )
            )


def _has_thread_for(queue: str, snapshot: Snapshot, own_request: str) -> bool:
    """Whether some thread that serves the queue does not run this very request."""
    threads = 0
    for worker in snapshot.workers:
        if queue in worker["queues"] and worker["state"] not in ENDING:
            threads += worker["threads"]
            threads -= any(run["request_id"] == own_request for run in worker["current"])
    return threads > 0
