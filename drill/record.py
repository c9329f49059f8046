"""What the users saw, request by request, and what came of it in each second."""

import statistics
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Outcome:
    """One request and its end. Times in seconds since the drill began."""

    nonce: str
    method: str
    sent: float
    ended: float
    release: int = 0  # that answered; 0: none did
    error: str = ""

    @property
    def seconds(self) -> float:
        """How long the user waited."""
        return self.ended - self.sent


@dataclass(frozen=True)
class Second:
    """What came back within one second. Waits in seconds, None where nothing came."""

    at: int
    answers: dict[int, int]  # release -> how many
    errors: int
    p50: float | None
    worst: float | None
    waiting: int  # requests in the queue, by the front's metrics


@dataclass(frozen=True)
class Window:
    """A stretch of maintenance. Times in seconds since the drill began."""

    title: str
    began: float
    ended: float


class Record:
    """Collects from many threads. It begins when it is made."""

    def __init__(self):
        self.outcomes: list[Outcome] = []
        self.seconds: list[Second] = []
        self.windows: list[Window] = []
        self._began = time.monotonic()
        self._summed_up = 0  # outcomes that are in a second
        self._lock = threading.Lock()

    def clock(self) -> float:
        """Seconds since the drill began."""
        return time.monotonic() - self._began

    def add(self, outcome: Outcome) -> None:
        """A request has come to its end."""
        with self._lock:
            self.outcomes.append(outcome)

    def close_second(self, at: int, waiting: int) -> Second:
        """Sum up what has come since the last call."""
        with self._lock:
            fresh = self.outcomes[self._summed_up :]
            self._summed_up += len(fresh)
        waits = [outcome.seconds for outcome in fresh]
        second = Second(
            at=at,
            answers=dict(Counter(o.release for o in fresh if not o.error)),
            errors=sum(bool(outcome.error) for outcome in fresh),
            p50=statistics.median(waits) if waits else None,
            worst=max(waits, default=None),
            waiting=waiting,
        )
        self.seconds.append(second)
        return second

    def answered_by(self, release: int) -> int:
        """How many answers a release has given so far."""
        with self._lock:
            return sum(outcome.release == release for outcome in self.outcomes)

    def facts(self) -> dict[str, list[dict]]:
        """Seconds and windows as plain values."""
        return {
            "seconds": [asdict(second) for second in self.seconds],
            "windows": [asdict(window) for window in self.windows],
        }
