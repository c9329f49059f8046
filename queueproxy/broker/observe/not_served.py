"""Counts the answers that were not what the client wanted, by what that means for it.

The broker counts them by reason, and those that views gave themselves by their status; see
``failed:``, ``refused:`` and ``code:`` in ``stats:<q>``. What only a front knows of it tells the
broker: see front/untold.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...wording import count_text

VIEW_ERRORS = "5xx"  # in a row of history, beside the reasons: what views answered themselves
# Reasons for which the front answers 503: nothing was executed, it is safe to send it again.
TURNED_AWAY = frozenset(
    (
        *("queue_full", "group_full", "memory_full", "hold_expired", "withdrawn", "misrouted"),
        *("malformed", "bad_signature", "signature_expired", "not_committed"),
        *("broker_away", "front_full", "front_stopped_unsent"),
    )
)
TOO_LATE = frozenset(("hold_expired_started", "view_timeout"))  # 504: its outcome is not known
WORDS = {
    "queue_full": "queue full",
    "group_full": "too many of one view wait",
    "memory_full": "broker's memory budget full",
    "hold_expired": "waited for MAX_HOLD",
    "withdrawn": "withdrawn by a person",
    "misrouted": "routes of another release",
    "malformed": "unreadable",
    "bad_signature": "signature wrong",
    "signature_expired": "came to its worker too late",
    "not_committed": "not committed",
    "hold_expired_started": "ran past MAX_HOLD",
    "view_timeout": "ran past VIEW_TIMEOUT",
    "worker_lost": "worker lost",
    "front_lost": "front lost",
    "bad_response": "answer could not be sent",
    "broker_away": "broker not reached, or full",
    "broker_lost": "lost by the broker",
    "front_full": "no room at the front",
    "front_stopped_unsent": "front stopped before it was queued",
    "front_stopped": "front stopped",
    "front_failed": "front failed",
    "answer_dropped": "no room for its answer",
    "bad_reply": "answer unreadable or forged",
    VIEW_ERRORS: "answered 5xx by its view",
}


@dataclass
class NotServed:
    """How many of a time were not served as wanted.

    Attributes:
        turned_away: 503, not executed.
        too_late: 504, outcome unknown.
        lost: 500, 502, or nothing at all; outcome unknown.
        view_errors: 5xx that views answered themselves.
        by_reason: all of these; the reasons are those of ``queueproxy_requests_failed_total``, and
            ``5xx`` those of views.
    """

    turned_away: int = 0
    too_late: int = 0
    lost: int = 0
    view_errors: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Say it in a line; empty for nothing."""
        parts = (
            (self.turned_away, f"{self.turned_away} turned away"),
            (self.lost, f"{self.lost} lost"),
            (self.too_late, f"{self.too_late} too late"),
            (self.view_errors, count_text(self.view_errors, "error of a view", "errors of views")),
        )
        return ", ".join(text for number, text in parts if number)

    @property
    def why(self) -> str:
        """Say the reasons in plain words, the most frequent first; empty for nothing."""
        reasons = sorted(self.by_reason.items(), key=lambda item: -item[1])
        return ", ".join(f"{reason_text(reason)}: {number}" for reason, number in reasons)


def reason_text(reason: str) -> str:
    """Word why a request was not served; a reason of another version stays as it is."""
    return WORDS.get(reason, reason)


def not_served(by_reason: Mapping[str, int]) -> NotServed:
    """Sort counts by what they mean for the client. A reason that is not known counts as lost."""
    found = NotServed(by_reason={reason: n for reason, n in by_reason.items() if n > 0})
    for reason, number in found.by_reason.items():
        if reason == VIEW_ERRORS:
            found.view_errors += number
        elif reason in TURNED_AWAY:
            found.turned_away += number
        elif reason in TOO_LATE:
            found.too_late += number
        else:
            found.lost += number
    return found


def since(now: Mapping[str, int], earlier: Mapping[str, int]) -> dict[str, int]:
    """Subtract the counts of an earlier time."""
    return {reason: max(0, number - earlier.get(reason, 0)) for reason, number in now.items()}


def reasons_of(totals: Mapping[str, int], codes: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Find the counts among a queue's: as scripts/sample.lua writes them into a row of history.

    Args:
        totals: by field of ``stats:<q>``.
        codes: answers, by method and status.
    """
    errors = sum(number for (_, code), number in codes.items() if code.startswith("5"))
    return _failures(totals) | {VIEW_ERRORS: errors}


def failures_of(totals: Mapping[str, int]) -> dict[str, int]:
    """Count the requests of a queue that got no worker's answer, by reason.

    Reasons that have never come are 0: Prometheus sees no rise to the first value of a series.

    Args:
        totals: by field of ``stats:<q>``.
    """
    return dict.fromkeys((reason for reason in WORDS if reason != VIEW_ERRORS), 0) | _failures(
        totals
    )


def _failures(totals: Mapping[str, int]) -> dict[str, int]:
    return {
        name.partition(":")[2]: number
        for name, number in totals.items()
        if name.startswith(("failed:", "refused:"))
    }
