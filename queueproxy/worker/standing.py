"""Tells people and the supervisor whether a worker process serves, stands by, or is to end."""

import logging
from collections.abc import Callable, Sequence

from ..broker.registration import WorkerRegistration
from .process_words import RETIRED, SERVING, STANDBY

logger = logging.getLogger("queueproxy.worker")


class Standing:
    """Follows which release is active, as heartbeats tell it.

    Args:
        registration: of the process.
        release: name of its own; empty for none.
        queues: that it serves.
        report: called with SERVING, STANDBY or RETIRED.
    """

    def __init__(
        self,
        registration: WorkerRegistration,
        release: str,
        queues: Sequence[str],
        report: Callable[[str], None],
    ):
        self._registration = registration
        self._release = release
        self._queues = queues
        self._report = report
        self._stands_by: bool | None = None  # as told last

    def tell(self) -> None:
        """Tell it, where that is new."""
        stands_by = self._registration.stands_by
        if stands_by == self._stands_by:
            return
        self._stands_by = stands_by
        worker = self._registration.worker
        if stands_by:
            logger.info("Worker %s stands by: release %s.", worker, self._release or "without name")
        else:
            logger.info("Worker %s serves %s.", worker, ", ".join(self._queues))
        self._report(STANDBY if stands_by else SERVING)

    def is_over(self) -> bool:
        """Tell what is new; whether its release has stood by for its time, and the process ends."""
        self.tell()
        if self._registration.retired:
            logger.info("Release %s has stood by for its time.", self._release)
            self._report(RETIRED)
        return self._registration.retired
