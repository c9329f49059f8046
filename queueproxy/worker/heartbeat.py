"""A worker process's place at the broker: taken, kept by heartbeat, left."""

import logging
from collections.abc import Callable

from ..backoff import Backoff
from ..broker.registration import WorkerRegistration
from ..exceptions import BrokerUnavailable, SchemaMismatch
from .memory_log import MemoryLog
from .outage_log import OutageLog
from .process_info import memory_bytes
from .retrying_broker import TELL_AFTER
from .stopping import StopFlag

logger = logging.getLogger("queueproxy.worker")


class Heartbeat:
    """The registration as the main thread keeps it, however long the broker is away.

    Args:
        registration: of the process.
        stop: of the process.
        outage: told whether the broker is away.
        state: gives what ``status`` is to show of the process.

    Attributes:
        seconds_to_next: from one heartbeat to when the next is due. One that the broker did not
            take is made up for sooner: two of them in a row would cost the lease.
    """

    def __init__(
        self,
        registration: WorkerRegistration,
        stop: StopFlag,
        outage: OutageLog,
        state: Callable[[], str],
    ):
        self._registration = registration
        self._stop = stop
        self._outage = outage
        self._state = state
        self._memory = MemoryLog()
        self._backoff = Backoff()
        self.seconds_to_next = registration.beat_every

    def begin(self) -> bool:
        """Register; False where the stop came first.

        Raises:
            SchemaMismatch: the broker's state is another release's.
        """
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                self._registration.join()
                return True
            except BrokerUnavailable as error:
                self._outage.note(True, error)
                self._stop.wait(backoff.failed())
        return False

    def beat(self) -> bool:
        """Keep the leases; register anew where the broker has given this worker up.

        Where its state is another release's by now, the stop is set.

        Returns:
            Whether the broker took it.
        """
        for _ in range(TELL_AFTER):
            try:
                self._beat_once()
            except BrokerUnavailable as error:
                why = error
            except SchemaMismatch as error:
                self._outage.note_mismatch(error)
                self._stop.set()
                return False
            else:
                self._outage.note(False)
                self._backoff.succeeded()
                self.seconds_to_next = self._registration.beat_every
                return True
        self._outage.note(True, why)
        self.seconds_to_next = min(self._registration.beat_every, self._backoff.failed())
        return False

    def _beat_once(self) -> None:
        memory = memory_bytes()
        if self._memory.note(memory):
            self._registration.announce(memory_history_bytes=self._memory.points)
        if not self._registration.beat(self._state(), memory):
            logger.warning("This worker was given up by the broker; it registers again.")
            self._registration.join(given_up=self._registration.worker)

    def call_to_stop(self, threads: int) -> None:
        """Wake so many idle threads, so that they see that they are to stop."""
        try:
            self._registration.call_to_stop(threads)
        except BrokerUnavailable:
            pass  # nobody blocks on a broker that is away

    def end(self) -> None:
        """Leave the list; what is still held is dealt with as lost."""
        try:
            self._registration.leave()
        except (BrokerUnavailable, SchemaMismatch):
            pass  # its lease runs out by itself
