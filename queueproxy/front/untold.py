"""What the front has answered itself, until the broker is told: a step of the sender."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from ..broker.front_broker import FrontBroker
from ..exceptions import EpochChanged, Fenced, NotSent, SchemaMismatch
from .held_request import HeldRequest
from .http.refusals import HOLD_EXPIRED_LOST
from .outbox import UNSENT, Outbox
from .refusal_counts import RefusalCounts
from .refused_notes import RefusedNotes

# What a script raises that has certainly done nothing.
NOTHING_DONE = (NotSent, Fenced, EpochChanged, SchemaMismatch)


class Untold:
    """Collects what this front has answered itself, and tells the broker.

    Attributes:
        due: whether the broker is to be told.
        notes: for people who look for one request.
        counts: for the statistics.
        server: names the run of the server that this front agreed with last; empty before that.

    Args:
        broker: the broker as this front sees it.
        queues: of the front.
        kept: how many notes the broker keeps; 0 for none.
    """

    def __init__(self, broker: FrontBroker, queues: Sequence[str], kept: int):
        self.due = False
        self.notes = RefusedNotes(kept, broker.front)
        self.counts = RefusalCounts(queues)
        self.server = ""
        self._broker = broker

    async def tell(self) -> bool:
        """Tell of what came since the last time; whether that was due."""
        if not self.due:
            return False
        await self.tell_counts()
        if notes := self.notes.take():
            await self._broker.refusals.keep(self.notes.kept, notes)
        self.due = False
        return True

    async def tell_counts(self) -> None:
        """Tell what is counted; what may have arrived is told again under its number."""
        joined = self._broker.joined
        telling = self.counts.next(joined)
        if telling is None:
            return
        try:
            await self._broker.refusals.count(joined, *telling)
        except NOTHING_DONE:
            raise
        except BaseException:
            self.counts.uncertain(joined)
            raise
        self.counts.taken()

    def count_if_lost(self, held: HeldRequest, fate: asyncio.Future[str], server: str) -> None:
        """Count a request whose hold has ended, unless the broker still counts its withdrawal.

        It does where it has the request. One that is gone it has ended, and counted, itself;
        unless it lost its data meanwhile.

        Args:
            fate: what becomes of the withdrawal.
            server: `server` as the hold ended.
        """

        def found(fate: asyncio.Future[str]) -> None:
            lost = fate.result() == "gone" and self.server != server
            if lost or fate.result() == UNSENT:
                self.counts.add(HOLD_EXPIRED_LOST, held.request.queue)

        fate.add_done_callback(found)


async def leave(broker: FrontBroker, outbox: Outbox, untold: Untold) -> None:
    """Leave the broker's list, as the last thing that is said to it.

    What was held to the end is taken back first: its clients have been told, and counted, that the
    front stops. Of what a front leaves waiting the broker counts that its front is lost.
    """
    outbox.restart(0, ())
    while piece := outbox.next_withdrawals():
        why, ids = piece
        outbox.withdrawals_done(ids, await broker.withdraw(ids, why))
    await asyncio.sleep(0)  # for what `count_if_lost` finds
    with suppress(Fenced):
        await untold.tell_counts()
    await broker.leave()
