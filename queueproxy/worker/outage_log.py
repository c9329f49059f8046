"""What a worker process logs of a broker that is away."""

import logging
import threading

logger = logging.getLogger("queueproxy.worker")


class OutageLog:
    """One line when the broker goes and one when it is back, however many threads notice."""

    def __init__(self):
        self._lock = threading.Lock()
        self._away = False

    def note(self, away: bool, error: Exception | None = None) -> None:
        with self._lock:
            if away == self._away:
                return
            self._away = away
        if away:
            why = f": {error}".rstrip(". ") if error else ""
            logger.warning("The broker is away%s. Trying again.", why)
        else:
            logger.info("The broker is back.")
