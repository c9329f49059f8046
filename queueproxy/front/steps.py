"""The steps of the sender: each takes at most one bounded piece to the broker, then returns."""

from collections import deque

from ..broker.front_broker import FrontBroker
from ..exceptions import Fenced, NotSent
from .held_request import DeliveryState, HeldRequest
from .inbox import Inbox
from .known_routes import KnownRoutes
from .outbox import IDS_AT_ONCE, Outbox
from .reconcile import fail_unanswered

SAMPLE_EVERY = 1.0  # seconds between rows of history


class Steps:
    """Does what the sender does, step by step; each returns whether there was anything to do.

    Args:
        broker: the broker as this front sees it.
        inbox, outbox: what is held, and what is to be sent.
        routes: told of the table that workers publish.
        lease: seconds; a heartbeat is due three times in it.
    """

    def __init__(
        self,
        broker: FrontBroker,
        inbox: Inbox,
        outbox: Outbox,
        routes: KnownRoutes,
        lease: float,
    ):
        self.unanswered_check_due = False
        self.look_at_routes_due = True
        self._broker = broker
        self._inbox = inbox
        self._outbox = outbox
        self._routes = routes
        self._heartbeat_every = lease / 3
        self._heartbeat_at = 0.0  # loop time
        self._heartbeat_due = False
        self._sample_due = False
        self._to_check: deque[HeldRequest] = deque()  # the broker may be done with them

    @property
    def tick_every(self) -> float:
        """Seconds between calls of `tick`."""
        return min(SAMPLE_EVERY, self._heartbeat_every)

    def tick(self, now: float) -> None:
        """Note what is due by the clock.

        Args:
            now: time of the event loop.
        """
        self._sample_due = True
        if self._routes.table is None:
            self.look_at_routes_due = True
        if now >= self._heartbeat_at:
            self._heartbeat_due = True
            self._heartbeat_at = now + self._heartbeat_every

    async def heartbeat(self) -> bool:
        """Extend this front's lease."""
        if not self._heartbeat_due:
            return False
        published = await self._broker.beat()
        self._heartbeat_due = False
        if not self._routes.have(published):
            self.look_at_routes_due = True
        return True

    async def look_at_routes(self) -> bool:
        """Read the table of routes, as after joining and where the heartbeat names another."""
        if not self.look_at_routes_due:
            return False
        self._routes.take(await self._broker.routes())
        self.look_at_routes_due = False
        return True

    async def sample(self) -> bool:
        """Write a row of history."""
        if not self._sample_due:
            return False
        await self._broker.sample()
        self._sample_due = False
        return True

    async def withdrawals(self) -> bool:
        """Withdraw requests nobody waits for."""
        piece = self._outbox.next_withdrawals()
        if piece is None:
            return False
        why, ids = piece
        self._outbox.withdrawals_done(ids, await self._broker.withdraw(ids, why))
        return True

    async def acknowledgements(self) -> bool:
        """Tell workers how much of their streams the clients have taken."""
        piece = self._outbox.acknowledgements.next()
        if not piece:
            return False
        try:
            await self._broker.acknowledge(piece)
        except BaseException:
            self._outbox.acknowledgements.failed(piece)
            raise
        return True

    async def check_unanswered(self) -> bool:
        """Find whoever waits in vain, once a reply was refused that may have been anybody's."""
        if self.unanswered_check_due and not self._to_check:
            self.unanswered_check_due = False
            held = self._inbox.held_requests.values()
            self._to_check.extend(one for one in held if one.state is DeliveryState.QUEUED)
        if not self._to_check:
            return False
        piece = [self._to_check[at] for at in range(min(IDS_AT_ONCE, len(self._to_check)))]
        await fail_unanswered(self._broker, self._inbox, piece)
        for _ in piece:
            self._to_check.popleft()
        return True

    async def enqueue(self) -> bool:
        """Put a batch of requests on their queues."""
        await self._broker.settle_doubts()
        batch = self._outbox.next_batch()
        if batch is None:
            return False
        try:
            await self._broker.enqueue(batch.first, [held.request for held in batch.held])
        except (NotSent, Fenced):
            self._outbox.batch_not_taken()
            raise
        except BaseException:
            self._outbox.batch_uncertain()
            raise
        self._outbox.batch_taken()
        return True

    async def pieces(self) -> bool:
        """Hand a worker a few pieces of the body of the request that it runs."""
        wanted = self._outbox.pieces.next()
        if wanted is None:
            return False
        held = self._inbox.held_requests.get(wanted.id)
        pieces = held.pieces(range(wanted.first, wanted.upto)) if held else []
        if not pieces:
            self._outbox.pieces.drop(wanted.id)
            return True
        try:
            if not await self._broker.hand_over(wanted, pieces):
                self._outbox.pieces.over(wanted)
        except BaseException:
            self._outbox.pieces.failed(wanted)
            raise
        return True
