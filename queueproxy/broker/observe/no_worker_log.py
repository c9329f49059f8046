"""Says when there is no worker anywhere, and when there is one again."""

import asyncio
import logging

from ...exceptions import BrokerUnavailable
from ..handle import Broker
from ..link.protocol import checked

logger = logging.getLogger("queueproxy.front")

LOOK_EVERY = 2.0  # seconds
ABSENT_FOR = 10.0  # seconds: while all are started there is none for a moment


class NoWorkerLog:
    """Looks at the list of workers now and then, on a link of its own.

    Args:
        broker: where the list is.
        absent_for: seconds without any worker until that is said.
        look_every: seconds.
    """

    def __init__(
        self, broker: Broker, absent_for: float = ABSENT_FOR, look_every: float = LOOK_EVERY
    ):
        self._link = broker.async_link("front-watch")
        self._absent_for = absent_for
        self._look_every = look_every
        self._task: asyncio.Task[None] | None = None
        self._absent_since: float | None = None
        self._away_since: float | None = None
        self._told = False

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name="queueproxy worker watch"
        )

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._link.close()

    @property
    def absent(self) -> bool:
        """Whether there was none at the last look."""
        return self._absent_since is not None

    def missing(self) -> str:
        """Name what has been missing for so long that it is said: ``broker``, ``worker`` or ""."""
        if self._is_long(self._away_since):
            return "broker"
        return "worker" if self._is_long(self._absent_since) else ""

    def _is_long(self, since: float | None) -> bool:
        now = asyncio.get_running_loop().time()
        return since is not None and now - since >= self._absent_for

    async def _run(self) -> None:
        while True:
            try:
                (reply,) = await self._link.commands([("ZCARD", self._link.keys.workers)])
                self._note(checked(reply), asyncio.get_running_loop().time())
            except BrokerUnavailable:
                self._absent_since = None  # nothing is known, and others say that it is away
                self._away_since = self._away_since or asyncio.get_running_loop().time()
            except Exception as error:  # it is for people alone
                logger.debug("The list of workers can't be read: %s", error)
            await asyncio.sleep(self._look_every)

    def _note(self, workers: int, now: float) -> None:
        self._away_since = None
        if workers:
            if self._told:
                logger.info("A worker is there again.")
            self._absent_since, self._told = None, False
            return
        if self._absent_since is None:
            self._absent_since = now
        if not self._told and self._is_long(self._absent_since):
            self._told = True
            logger.warning(
                "There is no worker anywhere: requests wait. Start one: manage.py runqueueworker."
            )
