"""Logs once that something the front does with the broker fails, and paces its next attempts."""

import logging

from ..backoff import Backoff
from ..broker.link.protocol import ResponseError
from ..exceptions import BrokerUnavailable

logger = logging.getLogger("queueproxy.front")


class Outage:
    """Counts failures in a row of one thing the front does with the broker.

    Args:
        what: the beginning of what is logged, such as "Enqueueing".
    """

    def __init__(self, what: str):
        self._what = what
        self._backoff = Backoff()

    @property
    def lasting(self) -> bool:
        """Whether the last attempt failed."""
        return self._backoff.failures > 0

    def failed(self, error: Exception) -> float:
        """Count a failure, and log the first in a row; seconds to wait before the next attempt."""
        if not self.lasting:
            # What the server says needs no traceback; anything else is our own fault.
            expected = isinstance(error, BrokerUnavailable | ResponseError)
            logger.log(
                logging.WARNING if expected else logging.ERROR,
                "%s fails (%s: %s); trying again.",
                self._what,
                type(error).__name__,
                error,
                exc_info=None if expected else error,
            )
        return self._backoff.failed()

    def ended(self) -> None:
        """Note a success; log it where it ends an outage."""
        if self.lasting:
            logger.info("%s works again.", self._what)
            self._backoff.succeeded()
