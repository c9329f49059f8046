"""Watches a held request's client: whether it leaves, and when its hold ends."""

import asyncio
from typing import Self

from ..asgi_types import Receive
from .held_request import HeldRequest, HoldEnd

# Seconds until the client is watched. Most are answered before that, and a task for each of them
# was a tenth of the front's work.
WATCH_AFTER = 0.05


class ClientWatch:
    """Notifies a held request that its client has left or that its hold has ended.

    A context manager: it watches from its making to the end of its block. Where the hold is shorter
    than WATCH_AFTER, it ends after that.

    Args:
        held: told of what happens.
        receive: the server's, its body read to the end.
    """

    def __init__(self, held: HeldRequest, receive: Receive):
        self._held = held
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._watching: asyncio.Task[None] | None = None
        self._watch_timer = self._loop.call_later(WATCH_AFTER, self._watch_until_expiry)
        self._expiry_timer: asyncio.TimerHandle | None = None  # not made for a quick request

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._cancel_timers()
        if self._watching is not None:
            self._watching.cancel()

    def follow_stream(self) -> None:
        """Watch on without an end of the hold: the answer has begun, and may take its time."""
        self._cancel_timers()
        self._start_watching()

    def _watch_until_expiry(self) -> None:
        self._start_watching()
        self._expiry_timer = self._loop.call_at(
            self._held.deadline, self._held.notify, HoldEnd.EXPIRED
        )

    def _start_watching(self) -> None:
        if self._watching is None:
            self._watching = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._held.notify(HoldEnd.CLIENT_LEFT)

    def _cancel_timers(self) -> None:
        self._watch_timer.cancel()
        if self._expiry_timer is not None:
            self._expiry_timer.cancel()
