"""Measures time that goes on while the machine sleeps."""

import time

# Linux counts suspended time in this one alone; elsewhere the monotonic clock has to do.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Elapsed:
    """The time since it was made, also of a process that was stopped."""

    def __init__(self) -> None:
        self._since = time.clock_gettime(_CLOCK)

    @property
    def ms(self) -> float:
        """Milliseconds."""
        return (time.clock_gettime(_CLOCK) - self._since) * 1000
