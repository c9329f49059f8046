"""What one executor thread counts, sent to the broker's statistics now and then.

All three times are counted here, at the end of the answer: the claim tells how long the request
waited by the broker's clock, the thread knows how long it ran, and their sum is its whole time. A
front sees a little more of it, but would need trips of its own to tell.
"""

from collections import Counter

from .histogram import bucket_of

# Methods are the client's to choose, and each is a counter: what is rare shares one.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))
OTHER = "OTHER"


class Tally:
    """Counts answers; not thread-safe."""

    def __init__(self):
        self._counts: Counter[tuple[str, str]] = Counter()
        self.completed = 0

    def add(self, queue: str, waited: float, ran: float, method: str, status: int) -> None:
        """Count one answer; times in seconds."""
        self.completed += 1
        for what, seconds in (("wait", waited), ("run", ran), ("duration", waited + ran)):
            self._counts[queue, f"{what}:{bucket_of(seconds) + 1}"] += 1
            self._counts[queue, f"{what}:us"] += round(seconds * 1e6)
        self._counts[queue, f"code:{method if method in METHODS else OTHER}:{status}"] += 1

    def take(self) -> list[str | int]:
        """The arguments of the script ``tally`` after the worker; then nothing is counted."""
        args: list[str | int] = [self.completed]
        for (queue, name), number in self._counts.items():
            args += (queue, name, number)
        self._counts.clear()
        self.completed = 0
        return args
