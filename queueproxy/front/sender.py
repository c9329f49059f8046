"""Takes what the outbox has to the broker: one task, one link, independent steps.

A round is one bounded piece of each kind, first what gives memory back. A step the broker refuses
(out of memory, for one) waits and is tried again by itself; the others go on. When the link breaks,
nothing is known of what was under way: the front joins again before anything else, and the broker
says which request it took last. Where it is the same broker and has had this front on its list all
the time, the same batch is sent again, and what had arrived is not taken twice. Where it is not,
they are reconciled.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from ..broker.front_broker import FrontBroker
from ..exceptions import Fenced
from .inbox import Inbox
from .known_routes import KnownRoutes
from .outage import Outage
from .outbox import Outbox
from .reconcile import reconcile
from .steps import Steps
from .untold import Untold

SILENT_AFTER = 2.0  # seconds; it is given up after ANSWER_WITHIN


class _Step:
    """One kind of thing the sender does.

    Args:
        what: the beginning of what is logged when it fails.
        act: does one bounded piece; returns whether there was one.
        refusals: see Outage.
    """

    def __init__(self, what: str, act: Callable[[], Awaitable[bool]], refusals: Counter[str]):
        self.outage = Outage(what, refusals)
        self.act = act
        self.paused = False  # until its backoff is over


class Sender:
    """Sends what the front has for the broker.

    Args:
        broker: the broker as this front sees it.
        inbox, outbox: what is held, and what is to be sent.
        routes: told of the table that workers publish.
        untold: what this front has answered itself.
        info: what ``status`` shows of this front.
        lease: seconds; a heartbeat is due three times in it.
    """

    def __init__(
        self,
        broker: FrontBroker,
        inbox: Inbox,
        outbox: Outbox,
        routes: KnownRoutes,
        untold: Untold,
        info: dict[str, Any],
        lease: float,
    ):
        self._broker = broker
        self._inbox = inbox
        self._outbox = outbox
        self._untold = untold
        self._info = info
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle  # while it runs
        self._sleeping: asyncio.Future[None] | None = None  # while there is nothing to do
        self._round_began = 0.0  # loop time
        self._away_since = 0.0  # loop time; 0 where the last round found the broker
        self._joined = False
        self._incarnation = ""  # in which this front and the broker know the same requests
        self.refusals: Counter[str] = Counter()  # see Outage
        self._outage = Outage("Talking to the broker", self.refusals)
        self._work = steps = Steps(broker, inbox, outbox, routes, lease)
        self._heartbeat, *others = [
            _Step(what, act, self.refusals)
            for what, act in (
                ("The heartbeat", steps.heartbeat),
                ("Reading the table of routes", steps.look_at_routes),
                ("Withdrawing requests", steps.withdrawals),
                ("Acknowledging streams", steps.acknowledgements),
                ("Looking for lost answers", steps.check_unanswered),
                ("Writing history", steps.sample),
                ("Telling what was refused", untold.tell),
                ("Enqueueing requests", steps.enqueue),
                ("Sending uploads", steps.pieces),
            )
        ]
        self._steps = [self._heartbeat, *others]

    @property
    def reachable(self) -> bool:
        """Whether the broker answered last time, and keeps this front on its list."""
        return self._joined and not self._heartbeat.outage.lasting

    @property
    def silent(self) -> bool:
        """Whether the broker has kept this front waiting for longer than SILENT_AFTER."""
        if self._sleeping is not None:
            return False
        return self._loop.time() > self._round_began + SILENT_AFTER

    @property
    def away_for(self) -> float:
        """Seconds since this front has asked the broker in vain; 0 where it has not."""
        since = self._away_since or (self._round_began if self.silent else 0.0)
        return self._loop.time() - since if since else 0.0

    def wake(self) -> None:
        """Look for work: the outbox has something new."""
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)

    def check_unanswered(self) -> None:
        """Find whoever waits in vain: a reply was refused that may have been anybody's."""
        self._work.unanswered_check_due = True
        self.wake()

    async def run(self) -> None:
        """Work until cancelled."""
        self._schedule_tick()
        try:
            while True:
                self._round_began = self._loop.time()
                try:
                    if not self._joined:
                        await self._join()
                        self._away_since = 0.0
                    # An idle round awaits no I/O, so no wake-up can be missed before `_sleep`.
                    if not await self._round():
                        await self._sleep()
                except Exception as error:
                    self._joined = False
                    self._away_since = self._away_since or self._round_began
                    await asyncio.sleep(self._outage.failed(error))
        finally:
            self._timer.cancel()

    def _schedule_tick(self) -> None:
        self._timer = self._loop.call_later(self._work.tick_every, self._tick)

    def _tick(self) -> None:
        self._schedule_tick()
        self._work.tick(self._loop.time())
        self._untold.due = True
        self.wake()

    async def _sleep(self) -> None:
        self._sleeping = self._loop.create_future()
        await self._sleeping
        self._sleeping = None

    async def _join(self) -> None:
        registration = await self._broker.join(self._info)
        if registration.incarnation != self._incarnation:
            another = registration.server != self._untold.server
            taken = registration.taken
            await reconcile(self._broker, self._inbox, self._outbox, taken, another_server=another)
            self._untold.server = registration.server
            self._incarnation = registration.incarnation
        else:
            self._outbox.confirm(registration.taken)
        self._acknowledge_again()
        self._work.look_at_routes_due = True
        self._joined = True

    def _acknowledge_again(self) -> None:
        """Say again what clients have taken: a broker that came back with older data may have
        forgotten.
        """
        for id, held in self._inbox.held_requests.items():
            if held.kept.taken:
                self._outbox.acknowledgements.add(id, held.kept.taken)

    async def _round(self) -> bool:
        """Do at most one piece of each kind; whether there was anything to do.

        Raises:
            Exception: the link broke; what was under way is uncertain.
        """
        worked = False
        for step in self._steps:
            if step.paused:
                continue
            try:
                if not await step.act():
                    continue
                step.outage.ended()
            except Fenced:
                self._joined, self._incarnation = False, ""
                return True
            except Exception as error:
                if not self._broker.connected:
                    raise
                self._pause(step, error)
            worked = True
        self._outage.ended()
        return worked

    def _pause(self, step: _Step, error: Exception) -> None:
        step.paused = True
        self._loop.call_later(step.outage.failed(error), self._resume, step)

    def _resume(self, step: _Step) -> None:
        step.paused = False
        self.wake()
