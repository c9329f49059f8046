"""Lets a process's threads wait for the clients of the answers they stream.

What fronts say of all its clients comes on one key of the process. One thread reads it, on a link
of its own, and hands it on; it is there only while somebody waits, and a little longer.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..backoff import Backoff
from ..broker.clients_progress import NOTHING, Progress, ProgressReader
from ..broker.handle import Broker
from ..exceptions import BrokerUnavailable, ClientGone, StreamEnded

logger = logging.getLogger("queueproxy.worker")

READ_EVERY = 5.0  # seconds without news after which all is read again
LINGER = 5.0  # seconds the reading thread stays when nobody waits


class _Watched(NamedTuple):
    """A stream that is ended from outside; `ends`: also by a drain."""

    registration: str
    end: Callable[[Exception], object]
    ends: bool


class StreamFlow:
    """Knows how far the clients of this process's streamed answers are. Thread-safe.

    Args:
        broker: makes the link.
        worker: gives the id under which the process is registered at the moment.
    """

    def __init__(self, broker: Broker, worker: Callable[[], str]):
        self._broker = broker
        self._worker = worker
        self._changed = threading.Condition()
        self._progress: Progress = NOTHING
        self._waiting = 0  # threads, and streams that are watched
        self._watched: list[_Watched] = []
        self.streams_end = False
        self._reading: threading.Thread | None = None
        self._closed = False

    def wait_for_client(
        self, registration: str, beyond: int, timeout: float, *, ends: bool = False
    ) -> int:
        """Wait until the client has taken more of an answer; the bytes taken since its beginning.

        Args:
            registration: of the claim.
            beyond: bytes that it is known to have taken.
            timeout: seconds after which `beyond` is returned.
            ends: whether a drain ends the stream.

        Raises:
            ClientGone: it has left.
            StreamEnded: the drain has ended it.
        """
        with self._changed:
            self._waiting += 1
            try:
                self._start_reading()
                self._changed.wait_for(
                    lambda: self._has_news(registration, beyond) or (ends and self.streams_end),
                    timeout,
                )
                if ends and self.streams_end:
                    raise StreamEnded
                if registration in self._progress.left:
                    raise ClientGone
                return max(beyond, self._progress.taken.get(registration, 0))
            finally:
                self._waiting -= 1

    @contextmanager
    def watch_client(
        self, registration: str, end: Callable[[Exception], object], *, ends: bool
    ) -> Iterator[None]:
        """Call `end` with ClientGone when the client of an answer leaves, while the context lasts.

        Args:
            registration: of the claim.
            end: called once, in any thread.
            ends: whether to call it, with StreamEnded, when a drain ends streams.
        """
        watched = _Watched(registration, end, ends)
        with self._changed:
            self._waiting += 1
            self._watched.append(watched)
            self._start_reading()
            self._end_watched()
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1
                if watched in self._watched:
                    self._watched.remove(watched)

    def end_streams(self) -> None:
        """Let the streams end that a drain ends, each as soon as it can; safe to call again."""
        with self._changed:
            self.streams_end = True
            self._end_watched()
            self._changed.notify_all()

    def _end_watched(self) -> None:
        """End what is watched and due; the lock is held."""
        for watched in list(self._watched):
            left = watched.registration in self._progress.left
            if left or (watched.ends and self.streams_end):
                self._watched.remove(watched)
                watched.end(ClientGone() if left else StreamEnded())

    def close(self) -> None:
        """Read no more, once the block that may be under way has ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _has_news(self, registration: str, beyond: int) -> bool:
        progress = self._progress
        return registration in progress.left or progress.taken.get(registration, 0) > beyond

    def _start_reading(self) -> None:
        if self._closed:
            return
        if self._reading is None or not self._reading.is_alive():
            self._reading = threading.Thread(target=self._read, name="stream-flow", daemon=True)
            self._reading.start()
        self._changed.notify_all()

    def _read(self) -> None:
        """Read while somebody waits. What came before that, or while a link broke, rang in vain."""
        backoff, block, worker = Backoff(), 0.0, ""
        with ProgressReader(self._broker) as reader:
            while self._is_needed():
                before, worker = worker, self._worker()
                try:
                    progress = reader.read(worker, block if worker == before else 0.0)
                except Exception as error:
                    self._tell(error, first=not backoff.failures)
                    block = 0.0
                    time.sleep(backoff.failed())
                else:
                    backoff.succeeded()
                    block = READ_EVERY
                    self._hand_on(progress)

    def _tell(self, error: Exception, *, first: bool) -> None:
        # That the broker is away is told by those who have more to say to it.
        if first and not isinstance(error, BrokerUnavailable):
            logger.error("Can't read what clients have taken of their answers.", exc_info=error)

    def _hand_on(self, progress: Progress) -> None:
        with self._changed:
            self._progress = progress
            self._end_watched()
            self._changed.notify_all()

    def _is_needed(self) -> bool:
        """Whether somebody waits, or comes to wait within LINGER seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, LINGER)
            if self._waiting and not self._closed:
                return True
            self._reading, self._progress = None, NOTHING
            return False
