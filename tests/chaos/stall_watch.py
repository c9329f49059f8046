"""Notices when the machine itself stands still: that looks like a fault that nobody made."""

import threading
import time

from .site import SETTINGS, Mishap

STALL = "stall"
LOOK_EVERY = 0.1  # seconds
NOTICED = SETTINGS["LEASE"] / 3  # seconds late; a worker's heartbeats are no further apart


class StallWatch(threading.Thread):
    """Notes each time in which this thread, which does nothing, could not go on.

    Args:
        mishaps: to which they are added.
    """

    def __init__(self, mishaps: list[Mishap]):
        super().__init__(daemon=True)
        self._mishaps = mishaps
        self._ended = threading.Event()

    def run(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(LOOK_EVERY):
            now = time.monotonic()
            if now - before > LOOK_EVERY + NOTICED:
                self._mishaps.append(Mishap(STALL, before, now))
            before = now

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()
