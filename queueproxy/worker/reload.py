"""Keeps count of how far the replacement of all worker processes has come."""

import time
from collections.abc import Collection, Sequence

from .child_process import ChildProcess

READY_WITHIN = 60.0  # seconds a replacement may take until it serves


class Reload:
    """One replacement after the other; the supervisor asks what to do in each of its rounds.

    Args:
        old: the processes to be replaced, in this order.
    """

    def __init__(self, old: Sequence[ChildProcess]):
        self.left = list(old)
        self.new: ChildProcess | None = None
        self._old: ChildProcess | None = None
        self._failed = False
        self._give_up_at = 0.0

    @property
    def done(self) -> bool:
        """Whether all are replaced."""
        return self.new is None and not self.left

    def failed(self, running: Collection[ChildProcess]) -> bool:
        """Whether a replacement did not come up: it died, is late, or could not be started."""
        if self._failed or self.new is None or self.new.serving:
            return self._failed
        return self.new not in running or time.monotonic() > self._give_up_at

    def next_one(self, running: Collection[ChildProcess], graceful_timeout: float) -> bool:
        """Whether a replacement is to be started now; the one replaced before is told to go."""
        if self.new is not None:
            if not self.new.serving:
                return False
            self._old.stop(graceful_timeout)
            self.new = None
        # Whoever has died meanwhile was replaced by fresh code at once.
        self.left = [old for old in self.left if old in running and not old.told_to_stop]
        return bool(self.left)

    def begin(self, new: ChildProcess | None) -> None:
        """Note that a replacement was started; None where it could not be."""
        self._old = self.left.pop(0)
        self.new = new
        self._failed = new is None
        self._give_up_at = time.monotonic() + READY_WITHIN

    def extra(self, running: Collection[ChildProcess]) -> ChildProcess | None:
        """Return the process that is one too many for now; None where the old one has died
        meanwhile.
        """
        return self.new if self._old in running and not self._old.told_to_stop else None
