"""The pipe by which a worker process tells its supervisor how far it is."""

import os
import select
import threading
from collections.abc import Callable

from .boot_log import OwnStderr
from .ending import end_now
from .forking import guard_forks, keep_from_children
from .process_words import FORCED, SERVING, STANDBY, STATUS_FD_VARIABLE


class StatusPipe:
    """Tells the supervisor worker ids, SERVING and GOODBYE, a line each; sees when it is gone.

    Until `when_broken` was called this process only starts, which may take long: without its
    supervisor it then ends at once.

    Args:
        descriptor: the writing end; the supervisor has the other.
    """

    def __init__(self, descriptor: int):
        self._stderr = OwnStderr()
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self._when_broken: Callable[[], object] = lambda: end_now(FORCED)
        keep_from_children(self)
        threading.Thread(target=self._watch, name="supervisor watch", daemon=True).start()

    def write(self, word: str) -> None:
        """Tell it; nothing happens where nobody supervises any more.

        Whoever is ready writes its log itself from then on.
        """
        if word in (SERVING, STANDBY):
            self._stderr.restore()
        try:
            os.write(self._descriptor, f"{word}\n".encode())
        except BrokenPipeError:
            pass  # this worker is about to stop

    def when_broken(self, act: Callable[[], object]) -> None:
        """Have this done, in a thread of its own, when the supervisor is gone."""
        self._when_broken = act

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLERR)
        poll.poll()  # its end closes with it
        self._when_broken()

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


def status_pipe() -> StatusPipe | None:
    """Open the pipe to the supervisor that started this process; None where none did.

    To be called first of all: what the project's code forks from now on is kept apart.
    """
    told = os.environ.pop(STATUS_FD_VARIABLE, None)
    if told is None:
        return None
    guard_forks()
    return StatusPipe(int(told))
