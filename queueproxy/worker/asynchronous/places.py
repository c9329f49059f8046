"""The slots of an event loop with what runs in them, and the views there that run for too long."""

import asyncio
import logging
import time
from collections.abc import Sequence

from ...broker.slot import Slot
from ..view_watch import ViewClock, running_text
from .request import AsyncRequest

logger = logging.getLogger("queueproxy.worker")


class Place:
    """A slot and what runs in it; to be watched as a thread is (`ViewWatch`)."""

    ident = None  # it has no thread of its own

    def __init__(self, slot: Slot):
        self.slot = slot
        self.clock = ViewClock(slot.number)
        self.task: asyncio.Task[None] | None = None
        self.request: AsyncRequest | None = None

    def is_alive(self) -> bool:
        """Whether anything runs in it."""
        return self.task is not None


async def cancel_late_views(places: Sequence[Place], limit: float) -> None:
    """Cancel views that have run past `limit` seconds (VIEW_TIMEOUT), until cancelled itself.

    Those that would not notice are left to the process, which ends with them: see `Worker`.
    """
    while True:
        next_one = limit
        for place in places:
            running, request = place.clock.running, place.request
            if running is None or request is None or not request.can_be_cancelled:
                continue
            left = running.since + limit - time.monotonic()
            if left > 0:
                next_one = min(next_one, left)
                continue
            logger.error(
                "%s has run past VIEW_TIMEOUT (%g s) and is cancelled.",
                running_text(running),
                limit,
            )
            request.time_out()
        await asyncio.sleep(next_one)
