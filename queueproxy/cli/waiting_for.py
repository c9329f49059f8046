"""Says now and then what a command waits for: the requests in flight, and for how long they run."""

import contextlib
import time
from collections.abc import Callable, Sequence

from .. import conf
from ..broker.observe.processes import RunningRequest
from ..broker.observe.reader import SnapshotReader
from ..exceptions import BrokerUnavailable
from ..wording import count_text, requests_text

FIRST_AFTER = 1.0  # seconds: what ends sooner needs no words
AGAIN_AFTER = 5.0  # seconds


class WaitingFor:
    """Names what is in flight on some queues, first after a second, then every five.

    Args:
        queues: the queues.
        say: told a line.
    """

    def __init__(self, queues: Sequence[str], say: Callable[[str], object]):
        self._queues = queues
        self._say = say
        self._next = time.monotonic() + FIRST_AFTER

    def tell_when_due(self) -> None:
        """Say it, unless it has been said just now."""
        if time.monotonic() >= self._next:
            self.tell()

    def tell(self) -> None:
        """Say it; nothing where the broker is away, which whoever waits will meet too."""
        self._next = time.monotonic() + AGAIN_AFTER
        with contextlib.suppress(BrokerUnavailable), conf.broker().link("waiting") as link:
            running = self._running(SnapshotReader(link, self._queues))
            if running:
                number = count_text(len(running), "request")
                self._say(f"Waiting for {number} in flight: {requests_text(running)}")

    def _running(self, reader: SnapshotReader) -> list[RunningRequest]:
        found = [
            request
            for worker in reader.snapshot().workers
            for request in worker["current"]
            if request["queue"] in self._queues
        ]
        return sorted(found, key=lambda request: -request["seconds"])
