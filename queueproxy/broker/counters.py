"""What one executor thread counts, sent to the broker's statistics now and then.

All three times are counted here, at the end of the answer: the claim tells how long the request
waited by the broker's clock, the thread knows how long it ran, and their sum is its whole time. A
front sees a little more of it, but would need trips of its own to tell.
"""

from collections import Counter

from .observe.histogram import bucket_of

# Methods are the client's to choose, and each is a counter: what is rare shares one.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))
OTHER = "OTHER"


class Counters:
    """Counts answers; not thread-safe.

    An answer is only noted when it is given and counted when the counts are taken: many in a row
    cost a third of what they would one by one, between two requests.
    """

    def __init__(self):
        self._answers: list[tuple[str, float, float, str, int]] = []

    @property
    def completed(self) -> int:
        """How many answers were added since the last `take`."""
        return len(self._answers)

    def add(self, queue: str, waited: float, ran: float, method: str, status: int) -> None:
        """Count one answer; times in seconds."""
        self._answers.append((queue, waited, ran, method, status))

    def take(self) -> list[str | int]:
        """The arguments of the script ``add_counts`` after the worker; then nothing is counted."""
        answers, self._answers = self._answers, []
        counts: Counter[tuple[str, str]] = Counter()
        for queue, waited, ran, method, status in answers:
            for what, seconds in (("wait", waited), ("run", ran), ("duration", waited + ran)):
                counts[queue, f"{what}:{bucket_of(seconds) + 1}"] += 1
                counts[queue, f"{what}:us"] += round(seconds * 1e6)
            counts[queue, f"code:{method if method in METHODS else OTHER}:{status}"] += 1
        args: list[str | int] = [len(answers)]
        for (queue, name), number in counts.items():
            args += (queue, name, number)
        return args
