"""A flag that a signal handler may raise."""

import os
import select

from .forking import keep_from_children


class StopFlag:
    """Raised once, never lowered.

    Unlike threading.Event it takes no lock, so a signal handler that interrupts its own thread in
    the middle of a wait cannot deadlock. One thread waits; any may ask, or rouse it.
    """

    def __init__(self) -> None:
        self._raised = False
        self._roused = False
        self._reading, self._writing = os.pipe()
        keep_from_children(self)

    def set(self) -> None:
        """Raise it and wake the one who waits."""
        if not self._raised:
            self._raised = True
            os.write(self._writing, b".")

    def rouse(self) -> None:
        """Have the one who waits, or is going to, look at once."""
        if not self._roused and self._writing >= 0:
            self._roused = True
            os.write(self._writing, b".")

    def was_roused(self) -> bool:
        """Whether it is to look at once; not again for the same call."""
        roused, self._roused = self._roused, False
        return roused

    def is_set(self) -> bool:
        """Whether it is raised."""
        return self._raised

    def wait(self, timeout: float) -> bool:
        """Wait until it is raised or somebody rouses, at most `timeout` seconds; whether it is."""
        told, _, _ = select.select([self._reading], [], [], max(0.0, timeout))
        if told and not self._raised:
            os.read(self._reading, 64)  # what roused; `set` raises first and writes then
        return self._raised

    def close(self) -> None:
        """Give the descriptors back: in a forked child, which must not wake its parent."""
        if self._reading >= 0:
            os.close(self._reading)
            os.close(self._writing)
        self._reading = self._writing = -1
