"""What one executor thread counts, sent to the broker's statistics now and then."""

from bisect import bisect_left
from collections import Counter

from .stats import BOUNDS


class Tally:
    """Counts answers; not thread-safe."""

    def __init__(self):
        self._counts: Counter[tuple[str, str]] = Counter()
        self.completed = 0

    def add(self, queue: str, waited: float, ran: float, method: str, status: int) -> None:
        """Count one answer; times in seconds."""
        self.completed += 1
        for what, seconds in (("wait", waited), ("run", ran)):
            bucket = bisect_left(BOUNDS, seconds) + 1
            self._counts[queue, f"{what}:{bucket}"] += 1
            self._counts[queue, f"{what}:us"] += round(seconds * 1e6)
        self._counts[queue, f"code:{method}:{status}"] += 1

    def take(self) -> list[str | int]:
        """The arguments of the script ``tally`` after the worker; then nothing is counted."""
        args: list[str | int] = [self.completed]
        for (queue, name), number in self._counts.items():
            args += (queue, name, number)
        self._counts.clear()
        self.completed = 0
        return args
