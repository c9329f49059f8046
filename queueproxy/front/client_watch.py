"""What may happen to a held request from the client's side: it leaves, or its hold ends."""

import asyncio
from collections.abc import Awaitable, Callable

from .held_request import Event, HeldRequest

# Seconds until the client is watched. Most are answered before that, and a task for each of them
# was a tenth of the front's work.
WATCH_AFTER = 0.05


class ClientWatch:
    """Tells a held that its client has left or that its hold is over.

    Args:
        held: held from now on.
        receive: the server's, its body read to the end.
    """

    def __init__(self, held: HeldRequest, receive: Callable[[], Awaitable[dict]]):
        self._held = held
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._watching: asyncio.Task | None = None
        self._timer = self._loop.call_later(WATCH_AFTER, self._settle_in)

    def _settle_in(self) -> None:
        self._watching = self._loop.create_task(self._watch())
        self._timer = self._loop.call_at(self._held.deadline, self._held.tell, Event.EXPIRED)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._held.tell(Event.LEFT)

    def follow_stream(self) -> None:
        """The answer has begun: it may take its time, while its client is there."""
        self._timer.cancel()
        if self._watching is None:
            self._watching = self._loop.create_task(self._watch())

    def end(self) -> None:
        """Nothing is held any more."""
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
