"""Logs once that something the front does with the broker fails, and paces its next attempts."""

import logging
import time
from collections import Counter
from collections.abc import Callable

from ..backoff import Backoff
from ..exceptions import BrokerUnavailable, ErrorReply, SchemaMismatch

logger = logging.getLogger("queueproxy.front")

QUIET = 1.0  # seconds after an outage in which the next is logged only if it lasts longer


class Outage:
    """Counts failures in a row of one thing the front does with the broker.

    Args:
        what: the beginning of what is logged, such as "Enqueueing".
        refusals: codes of the broker's errors now met, shared with what else the front does: what
            all meet (NOPERM, MISCONF, ...) is logged once.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        what: str,
        refusals: Counter[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._what = what
        self._refusals = Counter() if refusals is None else refusals
        self._clock = clock
        self._code: str | None = None  # of the error that was logged; None while there is none
        self._quiet_until = 0.0
        self._backoff = Backoff()

    @property
    def lasting(self) -> bool:
        """Tell whether the last attempt failed."""
        return self._backoff.failures > 0

    def failed(self, error: Exception) -> float:
        """Count a failure, and log the first in a row; seconds to wait before the next attempt."""
        if self._code is None and self._clock() >= self._quiet_until:
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
        """Note a success; log it where it ends an outage that was logged."""
        if not self.lasting:
            return
        self._backoff.succeeded()
        self._quiet_until = self._clock() + QUIET
        if self._code is None:
            return
        self._refusals[self._code] -= 1
        if not self._code or not self._refusals[self._code]:
            logger.info("%s works again.", self._what)
        self._code = None
