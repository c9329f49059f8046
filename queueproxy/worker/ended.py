"""What becomes of a request that is to be run once: of one that is run now, or was before."""

import logging
from typing import NamedTuple

from ..exactly_once.identity import Identity
from ..exactly_once.rows import Row
from .exchange import Exchange
from .last_word import WORKER_LOST
from .problems import KEY_OF_ANOTHER, problem
from .response import CheckedAnswer

logger = logging.getLogger("queueproxy.worker")

REPLAYED = ("Idempotent-Replayed", "true")

ANSWERED, DEFERRED, REPEAT = "answered", "deferred", "repeat"  # outcomes of settlements


class Ended(NamedTuple):
    """What became of a request.

    Attributes:
        outcome: of its settlement.
        answer: where it is answered.
        exchange: where it was run; to be closed.
    """

    outcome: str
    answer: CheckedAnswer | None = None
    exchange: Exchange | None = None


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
    status, headers, body = row.answer
    replayed = [] if mine else [REPLAYED]
    return Ended(ANSWERED, CheckedAnswer(status, [*headers, *replayed], None, body))
