"""What an application is told of one request while it runs: ``receive`` of ASGI (HTTP, 3.0)."""

import asyncio
from enum import Enum

from ...asgi_types import Message
from ...broker.claims import Claim
from ...broker.slot import Slot
from ...envelopes import Envelope
from ...exceptions import BodyUnreadable
from ..view_watch import ViewClock
from .incoming_body import AsyncIncomingBody
from .retrying_broker import AsyncRetryingBroker


class End(Enum):
    """Why the application is told that its client is there no more."""

    LEFT = "the client has left"
    CUT = "the process drains, and its streams end"
    LATE = "the view has run past VIEW_TIMEOUT"
    OVER = "the answer is over, whatever the application still sends"


class Receiver:
    """Gives out the body of a request, and then that its client is there no more.

    Args:
        broker, slot, claim, envelope: of the request.
        clock: stands still while a piece of the body is waited for.
    """

    def __init__(
        self,
        broker: AsyncRetryingBroker,
        slot: Slot,
        claim: Claim,
        envelope: Envelope,
        clock: ViewClock,
    ):
        self._broker = broker
        self._claim = claim
        self._envelope = envelope
        self._clock = clock
        self._incoming = broker.body_of(slot, claim, envelope)
        self._body_given = False
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    @property
    def ended(self) -> End | None:
        """Why the application is told that its client is there no more; None where it is not."""
        return self._ended.result() if self._ended.done() else None

    def end(self, end: End) -> None:
        """Tell the application so, from now on; only the first reason counts."""
        if not self._ended.done():
            self._ended.set_result(end)
            if end is not End.LATE:  # what it does now, it does anew
                self._clock.start(self._claim, self._envelope.head)

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            BodyUnreadable: the rest of the body can't be had.
        """
        if not self._body_given:
            incoming = self._incoming
            body = self._envelope.body if incoming is None else await self._next_piece(incoming)
            if body is not None:
                more = incoming is not None and incoming.has_more
                self._body_given = not more
                return {"type": "http.request", "body": body, "more_body": more}
        await asyncio.shield(self._ended)
        return {"type": "http.disconnect"}

    async def _next_piece(self, incoming: AsyncIncomingBody) -> bytes | None:
        """Wait for the next piece of a large body; None once the client is there no more."""
        self._clock.stop()
        piece = asyncio.ensure_future(incoming.next())
        try:
            await asyncio.wait((piece, self._ended), return_when=asyncio.FIRST_COMPLETED)
            return None if self._ended.done() else piece.result()
        except BodyUnreadable:
            if await self._broker.wanted(self._claim):
                raise
            self.end(End.LEFT)
            return None
        finally:
            piece.cancel()
            self._clock.start(self._claim, self._envelope.head)
