"""Tells how long to wait before the broker is tried again."""

STEPS = (0.05, 0.1, 0.2, 0.5, 1.0)  # seconds after the first failure in a row, the second, ...


class Backoff:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self.failures = 0

    def failed(self) -> float:
        """Count one more; seconds to wait before the next attempt."""
        self.failures += 1
        return STEPS[min(self.failures, len(STEPS)) - 1]

    def succeeded(self) -> None:
        """Start over."""
        self.failures = 0
