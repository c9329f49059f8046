"""Stops reading from a client for a while, and looks after it meanwhile."""

import asyncio
from collections.abc import Callable

from . import limits


class Throttle:
    """Whether a connection is read.

    The event loop tells nothing of a connection that is not read, so `look` does.

    Args:
        pause: stops reading.
        resume: goes on.
        look: called every ``LOOK_EVERY`` seconds while nothing is read.
        loop: the event loop.
    """

    def __init__(
        self,
        pause: Callable[[], None],
        resume: Callable[[], None],
        look: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ):
        self._pause = pause
        self._resume = resume
        self._look = look
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None  # there while nothing is read

    def hold(self, held: bool) -> None:
        """Read, or don't."""
        if held == (self._timer is not None):
            return
        if held:
            self._pause()
            self._timer = self._loop.call_later(limits.LOOK_EVERY, self._tick)
        else:
            self.end()
            self._resume()

    def end(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = self._loop.call_later(limits.LOOK_EVERY, self._tick)
        self._look()
