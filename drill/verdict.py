"""What the database says about the requests that the users sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .record import Outcome


@dataclass(frozen=True)
class Verdict:
    """The drill in figures."""

    requests: int
    errors: int
    longest_wait: float  # seconds
    duplicates: int  # requests that ran, or left an order, more than once
    lost: int  # requests that never ran, or left no order where they should
    failed: int = 0  # pages of the release of which every page fails; no errors of ours

    @property
    def clean(self) -> bool:
        """Whether nobody noticed more than a wait."""
        return self.requests > 0 and not (self.errors or self.duplicates or self.lost)


def judge(outcomes: Sequence[Outcome], ran: Sequence[str], ordered: Sequence[str]) -> Verdict:
    """Compare what users sent with what the tables hold.

    Args:
        outcomes: of every request sent.
        ran: nonces of all executions, one each time.
        ordered: nonces of all orders.
    """
    executions, orders = Counter(ran), Counter(ordered)
    twice = {nonce for counter in (executions, orders) for nonce, n in counter.items() if n > 1}
    lost = {
        outcome.nonce
        for outcome in outcomes
        if outcome.nonce not in executions
        or (outcome.method == "POST" and outcome.nonce not in orders)
    }
    return Verdict(
        requests=len(outcomes),
        errors=sum(bool(outcome.error) for outcome in outcomes),
        longest_wait=max((outcome.seconds for outcome in outcomes), default=0.0),
        duplicates=len(twice),
        lost=len(lost),
        failed=sum(outcome.failed for outcome in outcomes),
    )
