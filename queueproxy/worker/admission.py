"""Decides which claimed requests are not run, and says so in the log."""

import logging

from ..broker.claims import Claim, Settlement
from ..envelopes import RequestHead
from ..exceptions import DecodeError
from .last_word import LastWord, Repetition
from .own_routes import OwnRoutes
from .refusal_log import RefusalLog

logger = logging.getLogger("queueproxy.worker")


class Admission:
    """Looks at requests before they are run, for all of a process.

    Args:
        routes, refusals, last_word: of the whole process.
    """

    def __init__(self, routes: OwnRoutes, refusals: RefusalLog, last_word: LastWord):
        self._routes = routes
        self._refusals = refusals
        self._last_word = last_word

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
        return Settlement(claim, error.reason, proof=error.proof)

    def begin(self, claim: Claim) -> Repetition | None:
        """Note that a request is about to be run; see LastWord."""
        return self._last_word.begin(claim.attempt)


def not_again(claim: Claim) -> Settlement:
    """Settle what was started before and whose view must not run twice: see `LastWord`."""
    logger.error(
        "Request %s was not run again: its view may be run once only. Its front goes by the "
        "table of another release, or does not know this view's policy.",
        claim.id,
    )
    return Settlement(claim, "worker_lost")
