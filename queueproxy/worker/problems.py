"""What a worker answers by itself: problem details (RFC 9457) of Idempotency-Key."""

import json
from typing import NamedTuple

from .response import CheckedAnswer


class Problem(NamedTuple):
    """A kind of error of a client."""

    status: int
    title: str
    detail: str = ""


BAD_KEY = Problem(400, "Idempotency-Key is missing or malformed")
KEY_IN_USE = Problem(
    409,
    "A request is outstanding for this Idempotency-Key",
    "The first request with this key has not been answered yet. Send this one again later.",
)
KEY_OF_ANOTHER = Problem(
    422,
    "Idempotency-Key is already used",
    "This key has been sent with another request: another method, target or body.",
)
SERVER_ERROR = CheckedAnswer(
    500, [("Content-Type", "text/plain")], None, b"Server Error. Nothing was committed."
)


def problem(kind: Problem, detail: str = "") -> CheckedAnswer:
    """Make the answer.

    Args:
        detail: for this occurrence, where the kind has none.
    """
    told = {"title": kind.title, "status": kind.status, "detail": detail or kind.detail}
    headers = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
    return CheckedAnswer(kind.status, headers, None, json.dumps(told).encode())
