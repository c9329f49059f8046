"""Logs, for a worker process, that the broker is away or another release's, and is back."""

import logging
import threading

from ..exceptions import ErrorReply, SchemaMismatch

logger = logging.getLogger("queueproxy.worker")


class OutageLog:
    """Logs one line when the broker goes and one when it is back, however many threads notice.

    What it refuses to one thread it may grant to another: it is back when it is so for all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._without: set[int] = set()  # threads
        self.mismatch: SchemaMismatch | None = None

    def note(self, away: bool, error: Exception | None = None) -> None:
        """Whether the calling thread finds the broker away, and by which error."""
        thread = threading.get_ident()
        with self._lock:
            was_away = bool(self._without)
            if away:
                self._without.add(thread)
            else:
                self._without.discard(thread)
            if bool(self._without) == was_away:
                return
        if away:
            logger.warning("%s. Trying again.", _sentence(error))
        else:
            logger.info("The broker is back.")

    def note_mismatch(self, error: SchemaMismatch) -> None:
        """Note that another release has taken the state over: this process can only end."""
        with self._lock:
            first, self.mismatch = self.mismatch is None, error
        if first:
            logger.error("This worker ends. %s", error)


def _sentence(error: Exception | None) -> str:
    if isinstance(error, ErrorReply):  # it is there, and says what it does not do
        return str(error).rstrip(". ")
    return f"The broker is away: {error}".rstrip(". ") if error else "The broker is away"
