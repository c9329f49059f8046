"""Tells the requests of an event loop how far their clients are, and when they have left.

What `StreamFlow` does for threads. Here every request that runs is told, also one that sends
nothing, for a view that waits can be cancelled.
"""

import asyncio
import logging
from collections.abc import Callable

from ...backoff import Backoff
from ...broker.clients_progress import NOTHING, AsyncProgressReader, Progress
from ...broker.handle import Broker
from ...exceptions import BrokerUnavailable

logger = logging.getLogger("queueproxy.worker")

READ_EVERY = 5.0  # seconds without news after which all is read again


class Client:
    """The client of one request.

    Attributes:
        taken: bytes of its streamed answer that it is known to have taken.
        has_left: set when it has left.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.has_left = asyncio.Event()
        self._news = asyncio.Event()

    def told(self, taken: int, *, left: bool) -> None:
        """Note what its front says."""
        if taken > self.taken or left:
            self.taken = max(taken, self.taken)
            self._news.set()
        if left:
            self.has_left.set()

    async def wait_for_more(self, timeout: float) -> None:
        """Wait until it has taken more, or left; `timeout` seconds at most."""
        self._news.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            pass


class Clients:
    """Those of all requests that run. One task reads what is said of them, while there are any.

    Args:
        broker: makes the link.
        worker: gives the id under which the process is registered at the moment.
    """

    def __init__(self, broker: Broker, worker: Callable[[], str]):
        self._reader = AsyncProgressReader(broker)
        self._worker = worker
        self._followed: dict[str, Client] = {}  # by registration
        self._progress: Progress = NOTHING
        self._wanted = asyncio.Event()

    def follow(self, registration: str) -> Client:
        """Follow the client of a request from now on; see Claim."""
        client = self._followed[registration] = Client()
        self._wanted.set()
        self._tell(registration, client)  # it may have been said before this was called
        return client

    def forget(self, registration: str) -> None:
        """Follow it no more."""
        self._followed.pop(registration, None)
        if not self._followed:
            self._wanted.clear()

    async def read(self) -> None:
        """Read what fronts say until cancelled. What came while a link broke rang in vain."""
        backoff, block, worker = Backoff(), 0.0, ""
        try:
            while await self._wanted.wait():
                before, worker = worker, self._worker()
                try:
                    progress = await self._reader.read(worker, block if worker == before else 0.0)
                except Exception as error:
                    _log(error, first=not backoff.failures)
                    block = 0.0
                    await asyncio.sleep(backoff.failed())
                else:
                    backoff.succeeded()
                    block = READ_EVERY
                    self._hand_on(progress)
        finally:
            await self._reader.close()

    def _hand_on(self, progress: Progress) -> None:
        self._progress = progress
        for registration in (*progress.taken, *progress.left):
            client = self._followed.get(registration)
            if client is not None:
                self._tell(registration, client)

    def _tell(self, registration: str, client: Client) -> None:
        progress = self._progress
        left = registration in progress.left
        client.told(progress.taken.get(registration, 0), left=left)


def _log(error: Exception, *, first: bool) -> None:
    # That the broker is away is told by those who have more to say to it.
    if first and not isinstance(error, BrokerUnavailable):
        logger.error("Can't read what clients have taken of their answers.", exc_info=error)
