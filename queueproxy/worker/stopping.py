"""A flag that a signal handler may raise."""

import os
import select

from .forking import keep_from_children


class StopFlag:
    """Raised once, never lowered.

    Unlike threading.Event it takes no lock, so a signal handler that interrupts its own thread in
    the middle of a wait cannot deadlock. One thread waits; any may ask.
    """

    def __init__(self) -> None:
        self._raised = False
        self._reading, self._writing = os.pipe()
        keep_from_children(self)

    def set(self) -> None:
        """Raise it and wake the one who waits."""
        if not self._raised:
            self._raised = True
            os.write(self._writing, b".")

    def is_set(self) -> bool:
        """Whether it is raised."""
        return self._raised

    def wait(self, timeout: float) -> bool:
        """Wait until it is raised, at most `timeout` seconds; whether it is."""
        select.select([self._reading], [], [], max(0.0, timeout))
        return self._raised

    def close(self) -> None:
        """Give the descriptors back: in a forked child, which must not wake its parent."""
        if self._reading >= 0:
            os.close(self._reading)
            os.close(self._writing)
        self._reading = self._writing = -1
