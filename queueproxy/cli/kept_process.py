"""A process beside the front that is there as long as the front is."""

import logging
import math
import subprocess
import threading
import time
from collections.abc import Callable

from ..worker.restart_backoff import RestartBackoff

logger = logging.getLogger("queueproxy")

SETTLED = 10.0  # seconds after which a process counts as one that could do its work


class KeptProcess:
    """Starts a process, and starts it again when it ends unasked.

    Args:
        name: for the log, at the beginning of a sentence.
        start: starts it, in a session of its own: Ctrl-C in a terminal is for the front, which
            still needs it for what it holds. May raise OSError.
        hopeless: told the exit status of the first; whether it is no use to try again.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], subprocess.Popen[bytes]],
        hopeless: Callable[[int], bool] = lambda status: False,
    ):
        self._name = name
        self._start = start
        self._hopeless = hopeless
        self._lock = threading.Lock()  # between the end and a new start
        self._over = threading.Event()
        self._restarts = RestartBackoff()
        self._watch = threading.Thread(target=self._keep, name=f"keeps {name}", daemon=True)
        self.process = start()
        self._watch.start()

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens where it has ended."""
        self.process.send_signal(number)

    def let_go(self) -> None:
        """Start it no more: it is about to be told to end."""
        with self._lock:
            self._over.set()

    def ends_within(self, seconds: float) -> bool:
        """Wait so long at most; whether it has ended."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def ended(self, within: float) -> None:
        """Return when it has ended; it is killed where that takes longer (seconds)."""
        if not self.ends_within(within):
            self.process.kill()
            self.process.wait()
        self._watch.join(1)

    def _keep(self) -> None:
        first = True
        while True:
            began = time.monotonic()
            status = self.process.wait()
            if self._over.is_set() or (first and self._hopeless(status)):
                return
            first = False
            lived = time.monotonic() - began
            pause = self._restarts.died(lived, served=lived > SETTLED)
            later = f" in {math.ceil(pause)} s" if pause else ""
            logger.error("%s %s. Starting it again%s.", self._name, _ending(status), later)
            if not self._again(pause):
                return

    def _again(self, pause: float) -> bool:
        """Start another after so many seconds; False where none is wanted any more."""
        while not self._over.wait(pause):
            with self._lock:
                if self._over.is_set():
                    return False
                try:
                    self.process = self._start()
                except OSError as error:
                    pause = self._restarts.died(0.0, served=False)
                    logger.error("%s can't be started: %s.", self._name, error)
                else:
                    return True
        return False


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
