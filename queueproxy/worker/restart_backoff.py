"""Tells when to start a process again that ended badly."""

import time
from collections.abc import Callable

EARLY = 2.0  # seconds
FIRST = 1.0  # seconds
MOST = 30.0  # seconds


class RestartBackoff:
    """Allows a restart at once after a death out of the blue, ever later while none serves.

    Args:
        clock: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._pause = 0.0
        self._not_before = 0.0

    @property
    def allowed(self) -> bool:
        """Whether one may be started now."""
        return self._clock() >= self._not_before

    def died(self, lived: float, *, served: bool) -> float:
        """Note a bad end after so many seconds, having served or not; return seconds to wait."""
        now = self._clock()
        if served:
            self._pause = FIRST if lived < EARLY else 0.0
        elif self.allowed:  # those that die together count once
            self._pause = min(MOST, self._pause * 2 or FIRST)
        self._not_before = max(self._not_before, now + self._pause)
        return self._not_before - now
