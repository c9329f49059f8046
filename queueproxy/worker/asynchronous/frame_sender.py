"""Sends the frames of one answer but the last, no further ahead of its client than a window."""

import asyncio

from ...broker.claims import Claim
from ...broker.slot import Slot
from ...envelopes import Frame, RequestHead
from ...exceptions import ClientGone
from ..reply import LOOK_AGAIN, WINDOW
from ..view_watch import ViewClock
from .clients import Client
from .retrying_broker import AsyncRetryingBroker


class FrameSender:
    """Pushes frames for one request. Arguments as of `AsyncReply`."""

    def __init__(
        self,
        broker: AsyncRetryingBroker,
        slot: Slot,
        claim: Claim,
        head: RequestHead,
        client: Client,
        clock: ViewClock,
    ):
        self._broker = broker
        self._slot = slot
        self._claim = claim
        self._head = head
        self._client = client
        self._clock = clock
        self._sent = 0  # bytes
        self._pushing: asyncio.Future[bool] | None = None

    async def push(self, frame: Frame, window: int = WINDOW) -> None:
        """Send a frame; the clock stands still meanwhile.

        Args:
            window: bytes that may be ahead of the client.

        Raises:
            ClientGone: its client has left.
        """
        self._clock.stop()
        while self._sent - self._client.taken > window:
            await self._wait_for_client()
        # Sent also where the view is cancelled meanwhile: no number may be missing.
        push = self._broker.push(self._slot, self._claim, frame)
        self._pushing = asyncio.ensure_future(push)
        if not await asyncio.shield(self._pushing):
            raise ClientGone
        self._sent += len(frame.body)
        self._clock.start(self._claim, self._head)

    async def finish(self) -> None:
        """Wait until the frame is sent during which the view was cancelled."""
        if self._pushing is not None:
            await asyncio.wait([self._pushing])

    async def _wait_for_client(self) -> None:
        before = self._client.taken
        await self._client.wait_for_more(LOOK_AGAIN)
        if self._client.has_left.is_set():
            raise ClientGone
        if self._client.taken == before and not await self._broker.wanted(self._claim):
            raise ClientGone
