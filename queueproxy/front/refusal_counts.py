"""Counts what the front answers itself and nobody else knows of, until the broker is told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..route_table import OPS_QUEUE
from .http.refusals import Refusal
from .routing import default_queue


class Telling(NamedTuple):
    """What the broker is told at once, by queue and reason, under one number."""

    number: int
    counts: Mapping[tuple[str, str], int]


class RefusalCounts:
    """Counts by queue and reason, of which there are few. No I/O.

    What may have arrived keeps its number and is told again, for the broker takes a number once
    while this front is on its list. Where it was given up meanwhile, nobody knows any more, and
    that telling is dropped: a count may be short, and is never doubled.

    Args:
        queues: of the front; what belongs to none counts for the one that is nobody's choice.
    """

    def __init__(self, queues: Sequence[str] = ("default",)):
        self._fallback = default_queue([queue for queue in queues if queue != OPS_QUEUE])
        self._counts: Counter[tuple[str, str]] = Counter()
        self._under_way: Telling | None = None
        self._told_to = ""  # the registration under which it may have arrived; empty for none
        self._number = 0

    def add(self, refusal: Refusal, queue: str = "") -> None:
        """Count an answer, unless the broker has counted it or the client is to blame.

        Args:
            queue: empty where it is not known.
        """
        if refusal.reason:
            self._counts[queue or self._fallback, refusal.reason] += 1

    def next(self, registration: str) -> Telling | None:
        """Return what is to be told next, if anything.

        Args:
            registration: since when the front is on the broker's list.
        """
        if self._told_to not in ("", registration):
            self.taken()
        if self._under_way is None and self._counts:
            self._number += 1
            self._under_way, self._counts = Telling(self._number, self._counts), Counter()
        return self._under_way

    def uncertain(self, registration: str) -> None:
        """Note that what was told may have arrived, under that registration."""
        self._told_to = registration

    def taken(self) -> None:
        """Note that what was told is counted."""
        self._under_way, self._told_to = None, ""
