"""Runs a dead letter again from a view, which may itself be a request that a worker runs."""

import asyncio

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


class NotNow(Exception):
    """Nothing was tried; the text says why."""


def replay_now(link: Link, letter: DeadLetter, request: HttpRequest) -> int:
    """Run it and wait; the status it was answered with.

    Raises:
        NotNow: no worker could take it while this request waits for that.
        CannotReplay: it is not whole, no worker took it in time, or its worker was lost again.
    """
    settings = conf.get_settings()
    snapshot = SnapshotReader(link, settings.all_queues).snapshot()
    if Control(link).paused([letter.queue]):
        raise NotNow(_("The queue %s is paused.") % letter.queue)
    if not _has_thread_for(letter.queue, snapshot, request.META.get("HTTP_X_REQUEST_ID", "")):
        raise NotNow(
            _("There is no worker thread to run it while this page occupies one. Start another.")
        )
    return asyncio.run(
        replay(
            letter,
            broker=conf.broker(),
            queues=settings.all_queues,
            secrets=conf.signing_secrets(),
            hold=settings.max_hold / 2,
            kept=settings.keep_executions,
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
