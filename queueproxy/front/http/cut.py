"""Breaks an answer off after it has begun: why, and how long a client may keep one waiting."""

import asyncio
from collections.abc import Awaitable

from .eager import begin

SLACK = 30.0  # seconds a client may be behind MIN_RATE
SETTLED_SLACK = 300.0  # seconds, once all of its answer has come and no thread waits for it
MIN_RATE = 1024  # bytes a second that a client takes while there are any for it


class Cut(Exception):
    """The answer breaks off; raised into the server, which closes the connection (P9)."""

    at_once = False  # whether what waits for the client is dropped with the connection


class ClientTooSlow(Cut):
    """Its client does not take it.

    The connection is reset: a close that waits until all is taken would wait for ever.
    """

    at_once = True

    def __str__(self) -> str:
        return "its client takes too little of it"


class MemoryNeeded(Cut):
    """The memory that its client keeps is needed for others (FRONT_MEMORY)."""

    at_once = True

    def __str__(self) -> str:
        return "its client takes it too slowly, and its memory is needed"


class StoppedUnsent(asyncio.CancelledError):
    """The front stops, and nothing of the request has gone to the broker."""


class StoppedInFlight(asyncio.CancelledError):
    """The front stops, and the request may have been executed.

    Attributes:
        repeatable: whether it may be executed twice (see own_answers.py).
    """

    def __init__(self, repeatable: bool):
        super().__init__()
        self.repeatable = repeatable


class ClientPatience:
    """Counts how many seconds of its slack a slow client has left.

    Only time in which bytes wait for the client counts. It gets one second back for each `min_rate`
    bytes it takes, up to the slack: a client that takes that much is never cut, and one that stops
    is cut soon, however much it took before.

    Args:
        slack: seconds.
        min_rate: bytes a second.
    """

    def __init__(self, slack: float = SLACK, min_rate: float = MIN_RATE):
        self._slack = self._left = slack
        self._min_rate = min_rate
        self._limit: asyncio.Timeout | None = None  # while a piece waits

    def extend(self, slack: float) -> None:
        """Allow more slack from now on; less than there was changes nothing."""
        more = max(0.0, slack - self._slack)
        self._slack += more
        self._left += more
        limit = self._limit
        if limit is not None and not limit.expired() and (when := limit.when()) is not None:
            limit.reschedule(when + more)

    async def wait_for_room(self, sending: Awaitable[None], size: int) -> None:
        """Wait until the server has room behind a piece of an answer.

        Args:
            sending: returns then; cancelled where that takes too long. Mostly it need not wait, and
                no time is set for it, which costs ten microseconds.
            size: bytes of the piece.

        Raises:
            ClientTooSlow: the client has lost all its time.
        """
        earned = size / self._min_rate
        rest = begin(sending)
        if rest is None:
            self._left = min(self._slack, self._left + earned)
            return
        clock = asyncio.get_running_loop().time
        began = clock()
        self._limit = limit = asyncio.timeout_at(began + self._left + earned)
        try:
            async with limit:
                await rest
        except TimeoutError:
            if limit.expired():
                raise ClientTooSlow from None
            raise
        finally:
            self._limit = None
        self._left = min(self._slack, self._left + earned - (clock() - began))
