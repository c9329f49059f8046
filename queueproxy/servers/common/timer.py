"""One deadline that moves."""

import asyncio
from collections.abc import Callable


class Timer:
    """Calls once when the time set last is over.

    Args:
        loop: the event loop.
        call: what to call.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]):
        self._loop = loop
        self._call = call
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        """Call in so many seconds, and not when it was set to before."""
        self.stop()
        self._handle = self._loop.call_later(seconds, self._call)

    def stop(self) -> None:
        """Don't call."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
