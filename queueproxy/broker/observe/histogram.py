"""Counts times in fixed buckets; counts of any workers and any moments can be summed.

Percentiles are read from the sums, never averaged.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# Upper ends of the buckets in seconds; one more bucket is open above.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


def bucket_of(seconds: float) -> int:
    """Return the index of the bucket a time falls into; a bucket holds its own upper end."""
    return bisect_left(BOUNDS, seconds)


@dataclass
class Histogram:
    """Counts per bucket and their sum in seconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many were observed."""
        return sum(self.buckets)

    def percentile(self, share: float) -> float | None:
        """Return the time that `share` (0 to 1) of all stay within, in seconds; None without any.

        As Prometheus' histogram_quantile has it: in proportion within a bucket, and the last
        bound for what lies in the open bucket.
        """
        rank, below, start = share * self.count, 0, 0.0
        if not self.count:
            return None
        for end, number in zip(BOUNDS, self.buckets, strict=False):
            if number and below + number >= rank:
                return start + (end - start) * max(0.0, rank - below) / number
            below, start = below + number, end
        return BOUNDS[-1]

    def since(self, earlier: Sequence[int]) -> "Histogram":
        """Subtract the buckets of an earlier time; the sum of times is not known."""
        return Histogram(
            [max(0, now - then) for now, then in zip(self.buckets, earlier, strict=False)]
        )


def summed(histograms: Iterable[Histogram]) -> Histogram:
    """Add histograms up to one."""
    total = Histogram()
    for one in histograms:
        total.buckets = [a + b for a, b in zip(total.buckets, one.buckets, strict=True)]
        total.seconds += one.seconds
    return total
