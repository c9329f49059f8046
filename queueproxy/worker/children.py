"""The worker processes of one supervisor: started, looked after, stopped."""

import math
import signal
from collections.abc import Iterator, Sequence

from .adopted import reap_adopted
from .child_process import ChildProcess


class Children:
    """All that have been started and have not been found ended yet, oldest first.

    Args:
        command: starts one.
        directory: where; None for here.
        graceful_timeout: seconds one may take to drain before it is killed.
    """

    def __init__(self, command: Sequence[str], directory: str | None, graceful_timeout: float):
        self._command = command
        self._directory = directory
        self.graceful_timeout = graceful_timeout
        self.ever_served = False  # whether any of them has
        self._running: list[ChildProcess] = []

    def __iter__(self) -> Iterator[ChildProcess]:
        return iter(self._running)

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, child: object) -> bool:
        return child in self._running

    @property
    def staying(self) -> list[ChildProcess]:
        """Those that have not been told to stop."""
        return [child for child in self._running if not child.told_to_stop]

    @property
    def leaving(self) -> int:
        """How many end by themselves because a view has run past VIEW_TIMEOUT."""
        return sum(child.leaving for child in self._running)

    @property
    def all_ready(self) -> bool:
        """Whether there are some to stay, and each of them serves or stands by."""
        staying = self.staying
        return bool(staying) and all(child.serving for child in staying)

    @property
    def newest(self) -> float:
        """When the last of those to stay was started, of time.monotonic(); -inf for none."""
        return max((child.started for child in self.staying), default=-math.inf)

    @property
    def retired(self) -> bool:
        """Whether the time is over for which their release was to stand by."""
        return any(child.retired for child in self._running)

    def start(self) -> ChildProcess:
        """Start one more.

        Raises:
            OSError: it could not be started.
        """
        child = ChildProcess(self._command, self._directory)
        self._running.append(child)
        return child

    def stop(self, child: ChildProcess) -> None:
        """Ask one to drain."""
        child.stop(self.graceful_timeout)

    def kill_all(self) -> None:
        """End all at once."""
        for child in self._running:
            child.signal(signal.SIGKILL)

    def look_after(self) -> Iterator[tuple[ChildProcess, int]]:
        """Hear what they tell, kill what is late; each that has ended, with its exit status."""
        for child in list(self._running):
            child.read_status()
            self.ever_served |= child.serving
            if child.leaving:
                self.stop(child)
            status = child.process.poll()
            if status is None:
                child.kill_if_late()
                continue
            self._running.remove(child)
            child.read_status()
            child.close()
            yield child, status
        reap_adopted({child.process.pid for child in self._running})
