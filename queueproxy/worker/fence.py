"""Runs requests so that their effects in one database happen once: docs/exactly-once.md."""

import logging

from django.conf import settings
from django.db import Error

from ..exactly_once.identity import KeyMalformed, identity_of
from .ended import ANSWERED, Ended
from .fenced_run import FencedRequest, FencedRun
from .problems import BAD_KEY, problem

logger = logging.getLogger("queueproxy.worker")


class Fence:
    """One per process. Remembers what it has said of databases that are away."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def run(self, fenced: FencedRequest) -> Ended:
        """Run a request, unless it has been run.

        Raises:
            DecodeError: its `respond` did.
        """
        try:
            identity = identity_of(fenced.envelope, settings.SESSION_COOKIE_NAME)
        except KeyMalformed as error:
            return Ended(ANSWERED, problem(BAD_KEY, str(error)))
        run = FencedRun(fenced, identity)
        ended = run.end()
        self._tell(fenced.envelope.head.fenced, run.trouble)
        return ended

    def _tell(self, database: str, trouble: Error | None) -> None:
        if trouble is None:
            self._told.discard(database)
        elif database not in self._told:
            self._told.add(database)
            logger.warning(
                "Exactly-once requests are handed back for a while: nothing can be written to the "
                "database %r (%s). Are all migrations applied?",
                database,
                str(trouble).partition("\n")[0],
            )
