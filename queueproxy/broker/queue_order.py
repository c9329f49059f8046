"""Orders the queues that one executor thread, or one event loop, claims from."""

from collections.abc import Iterator, Sequence

from ..route_table import OPS_QUEUE
from .claims import Claim


class QueueOrder:
    """Iterates over queues in the order in which the next request is looked for.

    That is strict priority, with one exception: one that has just had a request of the
    operators' lane looks there last. Anybody may ask for the login, again and again; where each
    process has one thread, strict priority would leave the rest of the site unserved.

    Args:
        queues: in strict order.
    """

    def __init__(self, queues: Sequence[str]):
        self._strict = tuple(queues)
        self._lane_last = tuple(sorted(queues, key=OPS_QUEUE.__eq__))
        self._order = self._strict

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def claimed(self, claim: Claim) -> Claim:
        """Note what the thread has claimed, and return it."""
        self._order = self._lane_last if claim.queue == OPS_QUEUE else self._strict
        return claim
