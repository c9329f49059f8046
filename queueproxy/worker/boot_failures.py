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

Tell = Callable[[str, FailureTold | None], None]
ALL = ""  # releases of this host


class BootFailures:
    """Knows whether something is told that has been mended since.

    Args:
        tell: gives the broker the failure of a release; None: it is mended.
        release: finds the name of that of the code that is started now; empty for none.
        standby: whether others may be looked at beside it, whose failures are not its own to mend.
    """

    def __init__(self, tell: Tell, release: Callable[[], str], *, standby: bool = False):
        self._tell = tell
        self._release = release
        self._standby = standby
        self._told: set[str] = set()  # releases
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
        release = self._release()
        self._told.add(release)
        self._tell(release, FailureTold(time.time(), why, lines, release, serving))

    def came_up(self, started: float) -> None:
        """Tell that all are ready; once, until another is not.

        Args:
            started: when the newest of them was, of time.monotonic(). Where that was before the
                last failure, they are those that were to be replaced: it is told on.
        """
        if not self._well and started > self._failed_at:
            self._well = True
            for release in {*self._told, self._release()} if self._standby else (ALL,):
                self._tell(release, None)
            self._told.clear()


def teller(broker: Broker) -> Tell:
    """Make a function that tells the broker, where that can be reached; else nothing happens."""

    def tell(release: str, failure: FailureTold | None) -> None:
        with broker.link("supervisor") as link:
            try:
                tell_boot_failure(link, socket.gethostname(), release, failure)
            except (BrokerUnavailable, SchemaMismatch) as error:
                logger.debug("How processes came up can't be told: %s", error)

    return tell


UNTOLD = BootFailures(lambda release, failure: None, lambda: "")
