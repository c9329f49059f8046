"""What becomes of a request that is to be run once: of one that is run now, or was before."""

import logging
from typing import NamedTuple

from ..broker.claims import REPLAYED
from ..exactly_once.identity import Identity
from ..exactly_once.rows import Row
from ..exceptions import BadResponse
from .exchange import Exchange
from .frames import FRAME
from .last_word import WORKER_LOST
from .problems import KEY_OF_ANOTHER, problem
from .response import CheckedAnswer

logger = logging.getLogger("queueproxy.worker")

MOST_ANSWER = FRAME  # bytes: one frame goes out with the end of its lease, or not at all
REPLAYED_HEADER = ("Idempotent-Replayed", "true")

ANSWERED, DEFERRED, REPEAT = "answered", "deferred", "repeat"  # outcomes of settlements


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
    status, headers, body = row.answer
    told = [] if mine else [REPLAYED_HEADER]
    answer = CheckedAnswer(status, [*headers, *told], None, body)
    return Ended(ANSWERED, answer, once=REPLAYED)
