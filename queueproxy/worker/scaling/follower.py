"""Follows the load in a thread of its own, so that a broker that is away keeps no supervisor."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence

from ...backoff import Backoff
from ...broker.handle import Broker
from ...broker.link.links import Link
from ...broker.observe.scaling import ScalingTold, most_within
from ...broker.scaling_report import tell_scaling
from ...exceptions import BrokerUnavailable, SchemaMismatch
from .decision import Aims, Decider, Decision
from .load import Fleet, Load
from .observer import LoadObserver

logger = logging.getLogger("queueproxy.worker")

LOOK_EVERY = 0.5  # seconds
TELL_EVERY = 2.0  # seconds, where nothing is new
ENDS_WITHIN = 1.0  # seconds it may take to say good-bye


class LoadFollower:
    """Decides again and again how many processes there should be.

    Args:
        broker: see there.
        aims: what the supervisor was told.
        queues: that its processes serve, but for the operators' lane.
        wake: called, in the thread, where the number has changed.
    """

    def __init__(
        self,
        broker: Broker,
        aims: Aims,
        queues: Sequence[str],
        wake: Callable[[], None] = lambda: None,
    ):
        self._broker = broker
        self._aims = aims
        self._queues = tuple(queues)
        self.wake = wake
        self._decider = Decider(aims)
        self._supervisor = f"{socket.gethostname()}:{os.getpid()}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="load", daemon=True)
        self._lock = threading.Lock()  # of the decider
        self._told: tuple[int, int, bool] | None = None
        self._tell_again = 0.0  # monotonic time
        self.wanted = aims.range.least
        self.why = ""
        self.fleet = Fleet()  # as the supervisor sees it, written by that

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def raise_least(self, by: int) -> None:
        """Have so many processes more at least, or fewer (SIGTTIN, SIGTTOU)."""
        with self._lock:
            self._decider.raise_least(by)
            self.wanted = max(self.wanted, self._decider.range.least)

    def stop(self) -> None:
        """End, and let nobody count with this supervisor any more."""
        self._over.set()

    def join(self) -> None:
        """Wait until it has ended, for a moment at most."""
        if self._thread.ident is not None:
            self._thread.join(ENDS_WITHIN)

    def _follow(self) -> None:
        backoff = Backoff()
        with self._broker.link("supervisor") as link:
            observer = LoadObserver(link, self._supervisor, self._queues)
            while not self._over.wait(LOOK_EVERY):
                try:
                    load = observer.look(self._most * self._aims.slots)
                    self._take(self._decision(load))
                    self._tell(link, observer.lease_clock)
                    if backoff.failures:
                        logger.info("The load is followed again.")
                    backoff.succeeded()
                except (BrokerUnavailable, SchemaMismatch) as error:
                    if not backoff.failures:
                        text = "The load can't be followed, the number of processes stays: %s"
                        logger.warning(text, error)
                    observer.lost()
                    self._take(self._decision(None))
                    self._over.wait(backoff.failed())
            self._say_goodbye(link)

    @property
    def _most(self) -> int:
        """How many processes there may be, as far as the memory is enough."""
        return most_within(*self._decider.range, self.fleet.fits)

    def _decision(self, load: Load | None) -> Decision:
        with self._lock:
            return self._decider.decide(time.monotonic(), load, self.fleet)

    def _take(self, decision: Decision) -> None:
        before, self.wanted, self.why = self.wanted, decision.wanted, decision.why
        if before != decision.wanted:
            logger.info("Wanted processes: %d instead of %d: %s.", self.wanted, before, self.why)
            self.wake()

    def _tell(self, link: Link, lease_clock: int) -> None:
        fleet, now = self.fleet, time.monotonic()
        with self._lock:  # what is wanted is within the range, also while that is raised
            range, wanted = self._decider.range, max(self._decider.range.least, self.wanted)
        new = (wanted, fleet.serving, fleet.serves)
        if new == self._told and now < self._tell_again:
            return
        told = ScalingTold(
            at=lease_clock,
            wanted=wanted,
            running=fleet.serving,
            least=range.least,
            most=range.most,
            slots=self._aims.slots,
            queues=list(self._queues),
            serves=fleet.serves,
            why=self.why,
            fits=fleet.fits,
        )
        tell_scaling(link, self._supervisor, told)
        self._told, self._tell_again = new, now + TELL_EVERY

    def _say_goodbye(self, link: Link) -> None:
        try:
            tell_scaling(link, self._supervisor, None)
        except (BrokerUnavailable, SchemaMismatch):
            pass  # what it said last counts for nobody in ten seconds
