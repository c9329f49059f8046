"""Says which requests a worker refuses unread, and once in a row what to do where all are."""

import logging

from ..exceptions import BadSignature, DecodeError

logger = logging.getLogger("queueproxy.worker")


class RefusalLog:
    """Logs refusals, for all threads of a process."""

    def __init__(self) -> None:
        self._explained = False

    def refused(self, id: str, error: DecodeError) -> None:
        """Log that a request was refused; what a bad signature means stands at the first in a row.

        Args:
            id: of the request.
        """
        hint = ""
        if isinstance(error, BadSignature) and not self._explained:
            hint, self._explained = f" {error.HINT}", True
        logger.error("Request %s was refused and not run: %s%s", id, error, hint)

    def accepted(self) -> None:
        """Note that a signature held."""
        self._explained = False
