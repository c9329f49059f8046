"""What becomes of a request that is to be run once: of one that is run now, or was before."""

import logging
from typing import NamedTuple

from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)

from ..broker.claims import REPLAYED
from ..envelopes import RequestHead
from ..exactly_once.identity import Identity
from ..exactly_once.rows import NOTHING, Row
from ..exceptions import BadResponse
from .exchange import Exchange
from .frames import FRAME
from .last_word import WORKER_LOST
from .problems import KEY_OF_ANOTHER, SERVER_ERROR, problem
from .response import CheckedAnswer

logger = logging.getLogger("queueproxy.worker")

MOST_ANSWER = FRAME  # bytes: one frame goes out with the end of its lease, or not at all
REPLAYED_HEADER = ("Idempotent-Replayed", "true")

# What a database says no with. Any other error is of a connection, whatever a driver raises
# then, or of what did not go through this time.
REFUSED = (IntegrityError, DataError, ProgrammingError, InternalError, NotSupportedError)
# Outcomes of settlements.
ANSWERED, DEFERRED, REPEAT = "answered", "deferred", "repeat"
NOT_COMMITTED = "not_committed"


class Ended(NamedTuple):
    """What became of a request.

    Attributes:
        outcome: of its settlement.
        answer: where it is answered.
        exchange: where it was run; to be closed.
        once: of its answer, as in Settlement.
    """

    outcome: str
    answer: CheckedAnswer | None = None
    exchange: Exchange | None = None
    once: str = ""


class RolledBack(Exception):
    """Ends the transaction without a commit.

    Args:
        ended: what becomes of the request.
    """

    def __init__(self, ended: Ended):
        self.ended = ended


class Endings:
    """Says what becomes of one request that is run.

    Attributes:
        named: the request, for people.
        exchange: once it has been run.

    Args:
        head: of the request.
    """

    def __init__(self, head: RequestHead):
        self.named = f"{head.method} {head.path} ({head.request_id})"
        self.exchange: Exchange | None = None

    def answered(self, answer: CheckedAnswer) -> Ended:
        """Give this answer."""
        return Ended(ANSWERED, answer, self.exchange)

    def rolled_back(self, outcome: str, answer: CheckedAnswer | None = None) -> RolledBack:
        """End it without a commit."""
        return RolledBack(Ended(outcome, answer, self.exchange))

    def failed(self, why: str) -> RolledBack:
        """End it without a commit, since its view has made a mistake."""
        logger.error("%s was rolled back: %s", self.named, why, exc_info=True)
        return self.rolled_back(ANSWERED, SERVER_ERROR)

    def not_committed(self, error: Exception) -> Ended:
        """Tell what becomes of it where storing the answer or the commit failed.

        A commit may have come through whose outcome is lost: the next attempt finds the row then.
        """
        logger.error("%s could not be committed: %s", self.named, error)
        if isinstance(error, REFUSED):
            return self.answered(SERVER_ERROR)
        return Ended(REPEAT, None, self.exchange)


def answer_to_store(exchange: Exchange) -> CheckedAnswer:
    """Return the answer of a request, whole.

    Raises:
        BadResponse: it can't be sent, or not be stored.
    """
    answer = exchange.answer()
    if answer.body is None:
        raise BadResponse("An exactly-once view can't stream, nor send a file.")
    if len(answer.body) > MOST_ANSWER:
        raise BadResponse(f"The answer of an exactly-once view has {MOST_ANSWER} bytes at most.")
    return answer


def ended_by(row: Row, identity: Identity, named: str) -> Ended:
    """Answer with what a row says of a request, which is not run.

    Args:
        row: that has its key.
        named: the request, for people.
    """
    mine = row.request == identity.request
    if not mine and row.fingerprint != identity.fingerprint:
        return Ended(ANSWERED, problem(KEY_OF_ANOTHER))
    if row.answer is None:
        logger.error("%s is not run again: somebody has committed in the middle of it.", named)
        return Ended(WORKER_LOST)
    if row.answer == NOTHING:
        return Ended(NOT_COMMITTED)
    status, headers, body = row.answer
    told = [] if mine else [REPLAYED_HEADER]
    answer = CheckedAnswer(status, [*headers, *told], None, body)
    return Ended(ANSWERED, answer, once=REPLAYED)
