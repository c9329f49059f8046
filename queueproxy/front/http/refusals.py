"""Lists the front's own answers (P4), worded by RFC 9209; they tell nothing of the inside.

In which form a client gets them: see own_answers.py.
"""

import logging
from dataclasses import dataclass, replace
from enum import Enum

from ...asgi_types import Scope
from ...wording import escaped
from .headers import raw_path

logger = logging.getLogger("queueproxy.front")

RETRY_AFTER = 5  # seconds
LOGGED = (502, 503, 504)  # what the client is not to blame for


class Executed(Enum):
    """Tells what is known of the request that an answer of the front's own is given to."""

    NO = "no"  # and it never will be
    NOTHING_KEPT = "nothing_kept"  # whatever ran was rolled back
    UNKNOWN = "unknown"
    YES = "yes"


_NOT_EXECUTED = "Nothing was executed; it is safe to send the request again."
_NOTHING_KEPT = "Nothing was committed; it is safe to send the request again."
_UNKNOWN = "Whether the request was executed is not known."
_EXECUTED = "The request was executed."


@dataclass(frozen=True)
class Refusal:
    """An answer the front gives itself.

    Args:
        status: HTTP status.
        error: proxy error type (RFC 9209, 2.3).
        detail: one sentence for the client, in ASCII.
        retry_after: seconds; given where the request was certainly not executed.
        close: whether the connection can't be used on (the body was not read).
        executed: what is known of the request.
        reason: under which the front has it counted; empty where the broker has counted it, or
            where the client is to blame.
    """

    status: int
    error: str
    detail: str
    retry_after: int | None = None
    close: bool = False
    executed: Executed = Executed.NO
    reason: str = ""


def bad_request(detail: str) -> Refusal:
    """400: the request is not valid HTTP."""
    return Refusal(400, "http_request_error", detail, close=True)


def not_implemented(detail: str) -> Refusal:
    """501: valid, but not done here."""
    return Refusal(501, "http_request_denied", detail, close=True)


BODY_TOO_LARGE = Refusal(413, "http_request_error", "The body is too large.", close=True)
BODY_TOO_SLOW = Refusal(408, "http_request_error", "The body came too slowly.", close=True)
HEADERS_TOO_LARGE = Refusal(431, "http_request_error", "The headers are too large.", close=True)
HEADERS_TOO_SLOW = Refusal(408, "http_request_error", "The headers came too slowly.", close=True)
TARGET_TOO_LONG = Refusal(414, "http_request_error", "The target is too long.", close=True)
VERSION_UNKNOWN = Refusal(
    505, "http_request_error", "Only HTTP/1.0 and HTTP/1.1 are spoken here.", close=True
)

NOT_FOR_EVERYBODY = Refusal(
    403, "http_request_denied", "For monitoring addresses only (QUEUEPROXY['MONITORING'])."
)
NOT_ASKED_BY_DOCTOR = Refusal(403, "http_request_denied", "For queueproxy doctor --url only.")
METHOD_NOT_ALLOWED = Refusal(405, "http_request_denied", "Only GET and HEAD are allowed here.")


def _unknown(
    status: int, error: str, detail: str, *, close: bool = False, reason: str = ""
) -> Refusal:
    detail = f"{detail} {_UNKNOWN}"
    return Refusal(status, error, detail, close=close, executed=Executed.UNKNOWN, reason=reason)


def _waiting(detail: str, *, reason: str = "") -> Refusal:
    detail = f"{detail} {_NOT_EXECUTED}"
    return Refusal(503, "destination_unavailable", detail, RETRY_AFTER, reason=reason)


TOO_MANY_CONNECTIONS = Refusal(
    503,
    "http_request_denied",
    f"Too many connections are open. {_NOT_EXECUTED}",
    RETRY_AFTER,
    close=True,
    reason="front_full",
)
UNREAD_FULL = Refusal(
    503,
    "http_request_denied",
    f"There is no room for what is sent now. {_NOT_EXECUTED}",
    RETRY_AFTER,
    close=True,
    reason="front_full",
)
QUEUE_FULL = _waiting("Too many requests are waiting.")
GROUP_FULL = _waiting("Too many requests of this kind are waiting.")
MEMORY_FULL = _waiting("There is no room for this request now.")  # at the broker
FRONT_FULL = replace(MEMORY_FULL, reason="front_full")
BROKER_AWAY = _waiting("The queue can't be reached.", reason="broker_away")
HOLD_EXPIRED_WAITING = _waiting("The request waited too long.")
MISROUTED = _waiting("The addresses of this site have just changed.")
UNREADABLE = _waiting("The request could not be read by its worker.")
UNVERIFIED = _waiting("The request could not be verified by its worker.")
CAME_TOO_LATE = _waiting("The request came to a worker too late.")
WITHDRAWN = _waiting("An operator withdrew the request.")
HOLD_EXPIRED_IN_FLIGHT = _unknown(504, "http_response_timeout", "The answer took too long.")
HOLD_EXPIRED_LOST = replace(HOLD_EXPIRED_IN_FLIGHT, reason="hold_expired_started")  # by the broker
VIEW_TIMED_OUT = _unknown(504, "http_response_timeout", "The view took too long.")
ANSWER_DROPPED = Refusal(  # after it had come
    502,
    "http_response_incomplete",
    f"There was no room for the answer. {_EXECUTED}",
    executed=Executed.YES,
    reason="answer_dropped",
)
WORKER_LOST = _unknown(502, "connection_terminated", "The worker was lost.")
BROKER_LOST = replace(WORKER_LOST, reason="broker_lost")  # the broker has lost the request
NOT_COMMITTED = Refusal(  # by any attempt: see docs/exactly-once.md
    503,
    "connection_terminated",
    f"The request failed each time. {_NOTHING_KEPT}",
    RETRY_AFTER,
    executed=Executed.NOTHING_KEPT,
)
FRONT_STOPPED = _unknown(
    502, "connection_terminated", "The front was stopped.", close=True, reason="front_stopped"
)
FRONT_STOPPED_UNSENT = Refusal(
    503,
    "connection_terminated",
    f"The front was stopped. {_NOT_EXECUTED}",
    RETRY_AFTER,
    close=True,
    reason="front_stopped_unsent",
)
FRONT_FAILED = _unknown(
    500, "proxy_internal_error", "The front failed.", close=True, reason="front_failed"
)
BAD_RESPONSE = Refusal(  # the view's own
    502,
    "http_protocol_error",
    f"The answer was unusable. {_EXECUTED}",
    executed=Executed.YES,
)
UNUSABLE = _unknown(502, "http_protocol_error", "The answer was unusable.")
BAD_REPLY = replace(UNUSABLE, reason="bad_reply")  # what came can't be used

_BY_REASON = {
    "queue_full": QUEUE_FULL,
    "group_full": GROUP_FULL,
    "memory_full": MEMORY_FULL,
    "hold_expired": HOLD_EXPIRED_WAITING,
    "hold_expired_started": HOLD_EXPIRED_IN_FLIGHT,
    "view_timeout": VIEW_TIMED_OUT,
    "malformed": UNREADABLE,
    "bad_signature": UNVERIFIED,
    "signature_expired": CAME_TOO_LATE,
    "withdrawn": WITHDRAWN,
    "misrouted": MISROUTED,
    "worker_lost": WORKER_LOST,
    "bad_response": BAD_RESPONSE,
    "not_committed": NOT_COMMITTED,
}
# What the front has found itself: see `Failure` in held_request.py.
_FOUND_HERE = {
    "bad_reply": BAD_REPLY,
    "broker_lost": BROKER_LOST,
    "broker_lost_late": HOLD_EXPIRED_LOST,
}


def for_failure(reason: str) -> Refusal:
    """Return the answer for a reason the broker gives, or for one that the front has found itself.

    Any other is one the broker gives, and means an unusable reply.
    """
    return _FOUND_HERE.get(reason) or _BY_REASON.get(reason, UNUSABLE)


def log(refusal: Refusal, request_id: str, scope: Scope | None = None) -> None:
    """Log one WARNING where the status is 502, 503 or 504: id, method, path and why; no query.

    To be called where a refusal is answered.

    Args:
        request_id: as the client is told it.
        scope: of the request; None where there was none yet.
    """
    if refusal.status in LOGGED:
        method, path = (scope["method"], raw_path(scope)) if scope else ("?", "?")
        logger.warning(
            "%d for %s %s (%s): %s",
            refusal.status,
            escaped(method, most=20),
            escaped(path),
            request_id,
            refusal.detail,
        )
