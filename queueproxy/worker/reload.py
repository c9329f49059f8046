"""Keeps count of how far the replacement of all worker processes has come."""

import logging
import time
from collections.abc import Callable, Collection, Sequence

from .boot_failures import BootFailures
from .child_process import ChildProcess
from .children import Children

logger = logging.getLogger("queueproxy.worker")

READY_WITHIN = 60.0  # seconds a replacement may take until it serves
SHARE = 4  # by default one in so many is replaced at the same time


class Reload:
    """A few replacements at a time; the supervisor asks what to do in each of its rounds.

    Args:
        old: the processes to be replaced, in this order.
        at_once: how many at the same time; None for one in SHARE.
    """

    def __init__(self, old: Sequence[ChildProcess], at_once: int | None = None):
        self.left = list(old)
        self._at_once = at_once or max(1, len(old) // SHARE)
        self._pairs: list[tuple[ChildProcess, ChildProcess]] = []  # replacements, each with its old
        self._why_failed = ""

    @property
    def new(self) -> list[ChildProcess]:
        """The replacements whose old ones have not been told to go."""
        return [new for new, _ in self._pairs]

    @property
    def done(self) -> bool:
        """Whether all are replaced."""
        return not self._pairs and not self.left

    def why_failed(self, running: Collection[ChildProcess]) -> str:
        """Say why a replacement did not come up; empty where none has failed."""
        for new, old in self._pairs:
            if new not in running and not new.serving:
                return "It ended before it served."
            if new.serving and new.stands_by and not old.stands_by:
                return "Its release is not the active one: it would stand by."
            if not new.serving and time.monotonic() > new.started + READY_WITHIN:
                return f"It did not serve within {READY_WITHIN:g} s."
        return self._why_failed

    def wants_more(self, running: Collection[ChildProcess], graceful_timeout: float) -> bool:
        """Whether a replacement is to be started now; those replaced are told to go."""
        for new, old in [pair for pair in self._pairs if pair[0].serving]:
            old.stop(graceful_timeout)
            self._pairs.remove((new, old))
        # Whoever has died meanwhile was replaced by fresh code at once.
        self.left = [old for old in self.left if old in running and not old.told_to_stop]
        return bool(self.left) and len(self._pairs) < self._at_once

    def go_on(
        self,
        children: Children,
        start: Callable[[], ChildProcess | None],
        failures: BootFailures,
    ) -> bool:
        """Let an old one go where a new one serves, and start further ones; whether it is over.

        Args:
            children: all there are.
            start: starts one.
            failures: told where one does not come up: then the old ones stay.
        """
        why = self.why_failed(children)
        if why:
            logger.error("A replacement did not come up; the old processes stay. %s", why)
            new = [one for one in self.new if one in children]
            for one in new:
                children.stop(one)
            if new or not self.new:  # else it was told as it ended
                failures.failed(why, new[0] if new else None, children.staying)
            return True
        while self.wants_more(children, children.graceful_timeout):
            self.begin(start())
        return self.done

    def begin(self, new: ChildProcess | None) -> None:
        """Note that a replacement was started; None where it could not be."""
        old = self.left.pop(0)
        if new is None:
            self._why_failed = "It could not be started."
        else:
            self._pairs.append((new, old))

    def extra(self, running: Collection[ChildProcess]) -> list[ChildProcess]:
        """List the processes that are too many for now: their old ones are there still."""
        return [new for new, old in self._pairs if old in running and not old.told_to_stop]
