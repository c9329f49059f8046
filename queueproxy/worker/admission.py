"""Decides which claimed requests are not run, and says so in the log."""

import logging

from ..broker.claims import Claim, Settlement
from ..envelopes import RequestHead
from ..exceptions import DecodeError
from .own_routes import OwnRoutes
from .refusal_log import RefusalLog

logger = logging.getLogger("queueproxy.worker")


class Admission:
    """Looks at requests before they are run, for all of a process.

    Args:
        routes, refusals: of the whole process.
    """

    def __init__(self, routes: OwnRoutes, refusals: RefusalLog):
        self._routes = routes
        self._refusals = refusals

    def turned_away(self, claim: Claim, head: RequestHead) -> Settlement | None:
        """Settle what is of the operators' lane and has no place there; None for all others.

        To be called with the head as it was opened: its signature holds.
        """
        self._refusals.accepted()
        if self._routes.may_run(claim.queue, head):
            return None
        logger.error(
            "Request %s was not run: its path is none of the operators' lane here. Its front goes "
            "by the table of another release, or it was altered.",
            claim.id,
        )
        # What another worker may have started before it was lost is not safe to send again.
        return Settlement(claim, "misrouted" if claim.attempt == 1 else "worker_lost")

    def refused(self, claim: Claim, error: DecodeError) -> Settlement:
        """Settle what can't be read, or must not be believed."""
        self._refusals.refused(claim.id, error)
        return Settlement(claim, error.reason)
