"""Notes what a supervisor is asked: by signals, and by the end of the process that started it."""

import logging
import os
import select
import signal

logger = logging.getLogger("queueproxy.worker")


class Orders:
    """Notes what is asked and wakes who waits for it; what is done about it is the supervisor's.

    Signal handlers only note: what they interrupt may be in the middle of a log line or of a start.

    Args:
        processes: how many are wanted at first.
        parent: descriptor of a pipe that is closed when the supervisor is to drain; None for none.
    """

    def __init__(self, processes: int, parent: int | None = None):
        self.processes = processes
        self.stops = 0  # how often it was told to stop
        self._reload = False
        self._restart = False
        self._wake_reading, self._wake_writing = os.pipe()
        self._watched = [self._wake_reading, *([] if parent is None else [parent])]

    def listen(self) -> None:
        """Take signals from now on; to be called in the main thread."""
        os.set_blocking(self._wake_writing, False)
        os.set_blocking(self._wake_reading, False)
        signal.set_wakeup_fd(self._wake_writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        signal.signal(signal.SIGTTIN, lambda *_: self._want(+1))
        signal.signal(signal.SIGTTOU, lambda *_: self._want(-1))
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _on_stop(self, *_: object) -> None:
        self.stops += 1

    def _on_reload(self, *_: object) -> None:
        self._reload = True

    def restart(self) -> None:
        """Ask, from any thread, for fresh processes in the place of all there are."""
        self._restart = True
        self.wake()

    def wake(self) -> None:
        """End, from any thread, the wait of whoever obeys."""
        os.write(self._wake_writing, b"\0")

    def take_restart(self) -> bool:
        """Whether that was asked for since this was last called."""
        asked, self._restart = self._restart, False
        return asked

    def _want(self, more: int) -> None:
        self.processes = max(1, self.processes + more)

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or at once when something is asked or a child ends."""
        ready, _, _ = select.select(self._watched, [], [], seconds)
        for descriptor in ready:
            if descriptor == self._wake_reading:
                os.read(descriptor, 4096)
            else:
                self._watched.remove(descriptor)
                logger.warning("Who started this supervisor has gone; it ends too.")
                self.stops = max(1, self.stops)

    def take_reload(self) -> bool:
        """Whether fresh code was asked for since this was last called."""
        if not self._reload:
            return False
        self._reload = False
        return True
