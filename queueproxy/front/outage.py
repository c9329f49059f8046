"""Logs once that something the front does with the broker fails, and paces its next attempts."""

import logging
from collections import Counter

from ..backoff import Backoff
from ..exceptions import BrokerUnavailable, ErrorReply, SchemaMismatch

logger = logging.getLogger("queueproxy.front")


class Outage:
    """Counts failures in a row of one thing the front does with the broker.

    Args:
        what: the beginning of what is logged, such as "Enqueueing".
        refusals: codes of the broker's errors now met, shared with what else the front does: what
            all meet (NOPERM, MISCONF, ...) is logged once.
    """

    def __init__(self, what: str, refusals: Counter[str] | None = None):
        self._what = what
        self._refusals = Counter() if refusals is None else refusals
        self._code = ""  # of the error that this meets
        self._backoff = Backoff()

    @property
    def lasting(self) -> bool:
        """Whether the last attempt failed."""
        return self._backoff.failures > 0

    def failed(self, error: Exception) -> float:
        """Count a failure, and log the first in a row; seconds to wait before the next attempt."""
        if not self.lasting:
            self._begin(error)
        return self._backoff.failed()

    def _begin(self, error: Exception) -> None:
        self._code = error.code if isinstance(error, ErrorReply) else ""
        self._refusals[self._code] += 1
        if not self._code or self._refusals[self._code] == 1:
            # What the server says needs no traceback; anything else is our own fault.
            expected = isinstance(error, BrokerUnavailable | SchemaMismatch)
            logger.log(
                logging.WARNING if expected else logging.ERROR,
                "%s fails (%s: %s); trying again.",
                self._what,
                type(error).__name__,
                error,
                exc_info=None if expected else error,
            )

    def ended(self) -> None:
        """Note a success; log it where it ends an outage."""
        if self.lasting:
            self._backoff.succeeded()
            self._refusals[self._code] -= 1
            if not self._code or not self._refusals[self._code]:
                logger.info("%s works again.", self._what)
