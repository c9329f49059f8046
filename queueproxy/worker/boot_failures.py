"""Tells people, by way of the broker, why worker processes do not come up."""

import logging
import math
import socket
import time
from collections.abc import Callable, Sequence

from ..broker.boot_failure_report import tell_boot_failure
from ..broker.handle import Broker
from ..broker.observe.boot_failures import FailureTold
from ..exceptions import BrokerUnavailable, SchemaMismatch
from .child_process import ChildProcess

logger = logging.getLogger("queueproxy.worker")

Tell = Callable[[FailureTold | None], None]


class BootFailures:
    """Knows whether something is told that has been mended since.

    Args:
        tell: gives a failure to the broker; None: all is well.
        release: finds the name of that of the code that is started now; empty for none.
    """

    def __init__(self, tell: Tell, release: Callable[[], str]):
        self._tell = tell
        self._release = release
        self._well = False
        self._failed_at = -math.inf  # of time.monotonic()

    def failed(self, why: str, child: ChildProcess | None, others: Sequence[ChildProcess]) -> None:
        """Tell that a process did not come up.

        Args:
            why: a sentence.
            child: that process; None where it could not be started.
            others: those that stay.
        """
        self._well = False
        self._failed_at = time.monotonic()
        lines = child.last_lines if child else []
        serving = sum(other.serving for other in others)
        self._tell(FailureTold(time.time(), why, lines, self._release(), serving))

    def came_up(self, started: float) -> None:
        """Tell that all are ready; once, until another is not.

        Args:
            started: when the newest of them was, of time.monotonic(). Where that was before the
                last failure, they are those that were to be replaced: it is told on.
        """
        if not self._well and started > self._failed_at:
            self._well = True
            self._tell(None)


def teller(broker: Broker) -> Tell:
    """Make a function that tells the broker, where that can be reached; else nothing happens."""

    def tell(failure: FailureTold | None) -> None:
        release = failure.release if failure else ""
        with broker.link("supervisor") as link:
            try:
                tell_boot_failure(link, socket.gethostname(), release, failure)
            except (BrokerUnavailable, SchemaMismatch) as error:
                logger.debug("How processes came up can't be told: %s", error)

    return tell


UNTOLD = BootFailures(lambda failure: None, lambda: "")
