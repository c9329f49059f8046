"""Stops reading from a client for a while, and looks after it meanwhile."""

import asyncio
from collections.abc import Callable

from . import limits
from .timer import Timer


class Throttle:
    """Reads a connection or leaves it unread.

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
        self._timer = Timer(loop, self._tick)
        self._held = False

    def hold(self, held: bool) -> None:
        """Read, or don't."""
        if held == self._held:
            return
        self._held = held
        if held:
            self._pause()
            self._timer.start(limits.LOOK_EVERY)
        else:
            self._timer.stop()
            self._resume()

    def end(self) -> None:
        """Look no more: the connection is gone."""
        self._timer.stop()

    def _tick(self) -> None:
        self._timer.start(limits.LOOK_EVERY)
        self._look()
