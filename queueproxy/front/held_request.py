"""One request the front holds, and how news of it reaches the coroutine that holds the client."""

import asyncio
from collections import deque
from enum import Enum, auto

from ..broker.front_broker import EncodedRequest
from ..envelopes import Frame


class State(Enum):
    """How far the broker is known to have it."""

    PENDING = auto()  # not sent yet, or it is certain that it did not arrive
    SENT = auto()  # sent; whether it arrived is not known
    QUEUED = auto()  # the broker has taken it


class Event(Enum):
    """News that is not a reply frame."""

    LEFT = auto()  # the client has gone
    EXPIRED = auto()  # the hold is over


class Failure(str):
    """Nobody will answer: the reason, in the broker's words."""


News = Frame | Failure | Event


class HeldRequest:
    """A held request. Made and used on the front's event loop only.

    Args:
        request: what is sent to the broker.
        loop: the front's event loop.
    """

    __slots__ = (
        "_expired",
        "_loop",
        "_news",
        "_waiter",
        "attempt",
        "deadline",
        "next_seq",
        "over",
        "request",
        "sent_again",
        "state",
    )

    def __init__(self, request: EncodedRequest, loop: asyncio.AbstractEventLoop):
        self.request = request
        self.state = State.PENDING
        self.sent_again = False  # after the broker lost it: it may have run before
        self.attempt = 0  # the one that answers; 0 before its first frame
        self.next_seq = 0
        self.over = False  # its holder has been told all there will be
        self.deadline = loop.time() + request.hold_ms / 1000
        self._expired = False
        self._loop = loop
        self._news: deque[News] = deque()
        self._waiter: asyncio.Future | None = None

    @property
    def answering(self) -> bool:
        """Whether a part of an answer has been seen."""
        return self.next_seq > 0

    def expired_once(self) -> bool:
        """Whether the end of the hold was announced before; it is from now on."""
        before, self._expired = self._expired, True
        return before

    @property
    def repeatable(self) -> bool:
        """Whether it may be run again, as far as the front can see."""
        return self.request.max_attempts > 1 and not self.answering

    def tell(self, news: News) -> None:
        """Hand news to the holder of the client."""
        self._news.append(news)
        self.over = self.over or _is_last(news)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> News:
        """The next news, in order."""
        if not self._news:
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._news.popleft()


def _is_last(news: News) -> bool:
    return isinstance(news, Failure) or (isinstance(news, Frame) and not news.head.more)
