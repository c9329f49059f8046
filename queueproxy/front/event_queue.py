"""Hands events, in order, to the one coroutine that waits for them."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

Event = TypeVar("Event")


class EventQueue(Generic[Event]):
    """Events for one coroutine. Used on the front's event loop only.

    It costs less than an ``asyncio.Queue``: there is one for each request that is held.
    """

    __slots__ = ("_events", "_loop", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self._loop = loop
        self._events: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        """Add an event behind the others."""
        self._events.append(event)
        self._wake()

    def put_first(self, event: Event) -> None:
        """Add an event ahead of the others."""
        self._events.appendleft(event)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Event:
        """Wait for the next event."""
        while not self._events:  # what woke it may have been cleared
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._events.popleft()

    def clear(self) -> None:
        """Drop those that nobody has taken."""
        self._events.clear()
