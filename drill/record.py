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
    failed: bool = False  # a page of the release of which every page fails

    @property
    def seconds(self) -> float:
        """How long the user waited."""
        return self.ended - self.sent


@dataclass(frozen=True)
class Second:
    """What came back within one second. Waits in seconds, None where nothing came."""

    at: int
    answers: dict[int, int]  # release -> how many good pages
    errors: int
    failed: int  # pages of the release of which every page fails
    p50: float | None
    worst: float | None
    waiting: int  # requests in the queue, by the front's metrics


@dataclass(frozen=True)
class Window:
    """An act, while the operator is at it. Times in seconds since the drill began."""

    title: str
    began: float
    ended: float


@dataclass(frozen=True)
class Rollback:
    """When it was asked for, and when the command had returned. Times as above."""

    asked: float
    done: float


class Record:
    """Collects from many threads. It begins when it is made."""

    def __init__(self):
        self.outcomes: list[Outcome] = []
        self.seconds: list[Second] = []
        self.windows: list[Window] = []
        self.rollback: Rollback | None = None
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
            answers=dict(Counter(o.release for o in fresh if not (o.error or o.failed))),
            errors=sum(bool(outcome.error) for outcome in fresh),
            failed=sum(outcome.failed for outcome in fresh),
            p50=statistics.median(waits) if waits else None,
            worst=max(waits, default=None),
            waiting=waiting,
        )
        self.seconds.append(second)
        return second

    def answered_by(self, release: int, since: float = 0.0) -> int:
        """How many good pages a release has given of what was asked since then."""
        with self._lock:
            good = (o for o in self.outcomes if not (o.error or o.failed))
            return sum(o.release == release and o.sent >= since for o in good)

    def bad_since(self, since: float) -> int:
        """How many requests have met an error or a failed page since then."""
        with self._lock:
            return sum(o.ended >= since and bool(o.error or o.failed) for o in self.outcomes)

    @property
    def rollback_seconds(self) -> float | None:
        """From the moment a rollback was asked for to the last failed page; None without one."""
        if self.rollback is None:
            return None
        last = max((outcome.ended for outcome in self.outcomes if outcome.failed), default=0.0)
        return max(0.0, last - self.rollback.asked)

    def facts(self) -> dict[str, list[dict]]:
        """Seconds and windows as plain values."""
        return {
            "seconds": [asdict(second) for second in self.seconds],
            "windows": [asdict(window) for window in self.windows],
        }
