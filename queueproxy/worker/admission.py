"""Decides which claimed requests are not run, and says so in the log."""

import logging

from ..broker.claims import Claim, Settlement
from ..envelopes import RequestHead
from ..exactly_once.sessions import is_supported
from ..exceptions import DecodeError
from .last_word import MISROUTED, WORKER_LOST, LastWord, Start
from .own_routes import OwnRoutes
from .refusal_log import RefusalLog

logger = logging.getLogger("queueproxy.worker")


class Admission:
    """Looks at requests before they are run, for all of a process.

    Args:
        routes, refusals, last_word: of the whole process.
        fences: whether requests can be run here exactly once.
    """

    def __init__(
        self, routes: OwnRoutes, refusals: RefusalLog, last_word: LastWord, *, fences: bool = True
    ):
        self._fences = fences
        self._routes = routes
        self._refusals = refusals
        self._last_word = last_word

    def turned_away(self, claim: Claim, head: RequestHead) -> Settlement | None:
        """Settle what can't be run here, whatever its view; None for all others.

        To be called with the head as it was opened: its signature holds.
        """
        self._refusals.accepted()
        why_not = self._why_not(claim, head)
        if not why_not:
            return None
        logger.error(
            "Request %s was not run: %s. Its front goes by the table of another release, or it was "
            "altered.",
            claim.id,
            why_not,
        )
        # What another worker may have started before it was lost is not safe to send again.
        return Settlement(claim, MISROUTED if claim.attempt == 1 else WORKER_LOST)

    def _why_not(self, claim: Claim, head: RequestHead) -> str:
        if not self._routes.may_run(claim.queue, head):
            return "its path is none of the operators' lane here"
        if head.fenced and not self._fences:
            return "a worker with --async runs nothing exactly once"
        if head.fenced and not is_supported(head.fenced):
            return f"in the database {head.fenced!r} nothing can be run exactly once"
        return ""

    def refused(self, claim: Claim, error: DecodeError) -> Settlement:
        """Settle what can't be read, or must not be believed."""
        self._refusals.refused(claim.id, error)
        return Settlement(claim, error.reason, proof=error.proof)

    def begin(self, claim: Claim, head: RequestHead) -> Start:
        """Note that a request is about to be run; see LastWord."""
        return self._last_word.begin(claim.attempt, head.fenced)


def refused_by_view(claim: Claim, start: Start, proof: str = "") -> Settlement:
    """Settle what was not run, by the last word of its view: see `LastWord`.

    Args:
        proof: where its front is to send it anew, exactly once.
    """
    log = logger.info if proof else logger.error
    log(
        "Request %s was not run%s. Its front goes by the table of another release, or does not "
        "know this view's policy.",
        claim.id,
        " again: its view may be run once only" if start.again else ": it is to be exactly once",
    )
    return Settlement(claim, start.refused, proof=proof)
