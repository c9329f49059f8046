"""Takes a front's traffic to the broker: one task, one link, what one loop tick brings in one trip.

Every request is numbered once. When the link breaks, nothing is known of what was under way: the
sender joins again, and the broker says which number it took last. Where it is the same broker and
has had this front on its list all the time, the same batch is sent again, and what had arrived is
not taken twice. Where it is another (restart, failover, flush), or this front was given up, the
sender reconciles: what the broker no longer holds is sent again if it may be repeated, and is
answered 502 if it may have run.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable

import msgspec.structs

from ..backoff import Backoff
from ..broker.front_broker import FrontBroker, Why
from ..exceptions import BrokerUnavailable, Fenced, NotSent
from .held_request import Failure, HeldRequest, State
from .inbox import BAD_REPLY, Inbox

logger = logging.getLogger("queueproxy.front")

BATCH_REQUESTS = 64
BATCH_BYTES = 1 << 20
IDS_AT_ONCE = 1000
SAMPLE_EVERY = 1.0  # seconds between rows of history
WORKER_LOST = Failure("worker_lost")


class Sender:
    """What the front has for the broker, and the task that takes it there.

    Args:
        front_broker: the front's place at the broker.
        inbox: the requests held.
        info: what ``status`` shows of this front.
        lease: seconds; a heartbeat is due three times in it.
    """

    def __init__(self, front_broker: FrontBroker, inbox: Inbox, info: dict, lease: float):
        self._broker = front_broker
        self._inbox = inbox
        self._info = info
        self._beat_every = lease / 3
        self._beat_at = 0.0  # loop time
        self._outbox: deque[HeldRequest] = deque()
        self._batch: list[HeldRequest] = []  # under way; sent again until the broker has taken it
        self._batch_number = 1
        self._batch_tried = False  # it may have arrived
        self._withdrawals: dict[str, tuple[Why, asyncio.Future]] = {}
        self._stages: deque[tuple[tuple, asyncio.Future]] = deque()
        self._credits: dict[str, int] = {}
        self._work = asyncio.Event()
        self._tick_due = False
        self._look_due = False
        self._agreed = ""  # the spell in which this front and the broker know the same requests
        self._joined = False
        self._backoff = Backoff()

    @property
    def reachable(self) -> bool:
        """Whether the broker answered last time."""
        return self._joined

    # What the front calls; each returns at once.

    def send(self, held: HeldRequest) -> None:
        """Put a request on its queue with the next trip."""
        self._outbox.append(held)
        self._work.set()

    def withdraw(self, held: HeldRequest, why: Why = "left") -> asyncio.Future:
        """Nobody wants its answer; the future says what became of it: see FrontBroker.withdraw.

        ``unsent`` where the broker never had it.
        """
        if held.state is State.PENDING:
            done = asyncio.get_running_loop().create_future()
            if held in self._outbox:
                self._outbox.remove(held)
            done.set_result("unsent")
            return done
        return self.forget(held.request.id, why)

    def forget(self, id: str, why: Why = "left") -> asyncio.Future:
        """As withdraw, by id: also a request whose chunks were staged and that will not be sent."""
        done = asyncio.get_running_loop().create_future()
        self._withdrawals[id] = why, done
        self._work.set()
        return done

    def stage(self, id: str, number: int, chunk: bytes, expires: float) -> asyncio.Future:
        """Keep a chunk of a large body; the future says whether there was room."""
        done = asyncio.get_running_loop().create_future()
        self._stages.append(((id, number, chunk, expires), done))
        self._work.set()
        return done

    def credit(self, id: str, taken: int) -> None:
        """The client has taken so many bytes of a streamed answer."""
        self._credits[id] = self._credits.get(id, 0) + taken
        self._work.set()

    def look_for_unanswered(self) -> None:
        """A reply was refused and nobody knows whose it was: find whoever waits for it in vain."""
        self._look_due = True
        self._work.set()

    # The task.

    async def run(self) -> None:
        """Work until cancelled."""
        ticking = asyncio.create_task(self._tick())
        try:
            while True:
                try:
                    await self._trip()
                    self._backoff.succeeded()
                except Fenced:
                    self._joined = False
                    self._agreed = ""
                except BrokerUnavailable as error:
                    await self._broker_away(error)
                except Exception:
                    logger.exception("The sender failed; trying again.")
                    await self._broker_away(None)
        finally:
            ticking.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(min(SAMPLE_EVERY, self._beat_every))
            self._tick_due = True
            self._work.set()

    async def _broker_away(self, error: Exception | None) -> None:
        if self._backoff.failures == 0 and error is not None:
            logger.warning("The broker is away: %s. Holding; trying again.", error)
        self._joined = False
        await asyncio.sleep(self._backoff.failed())

    async def _trip(self) -> None:
        if not self._joined:
            await self._join()
        if self._tick_due:
            self._tick_due = False
            await self._keep_up()
        if self._look_due:
            await self._tell_unanswered()
        await self._send_stages()
        await self._send_batch()
        await self._send_withdrawals()
        await self._send_credits()
        if not self._has_work():
            self._work.clear()
            await self._work.wait()

    async def _keep_up(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._beat_at:
            await self._broker.beat()
            self._beat_at = now + self._beat_every
        await self._broker.sample()

    def _has_work(self) -> bool:
        return bool(
            self._outbox
            or self._batch
            or self._withdrawals
            or self._stages
            or self._credits
            or self._tick_due
            or self._look_due
        )

    async def _join(self) -> None:
        standing = await self._broker.join(self._info)
        if standing.spell != self._agreed:
            await self._reconcile(standing.taken)
        if self._backoff.failures:
            logger.info("The broker is back.")
        self._agreed = standing.spell
        self._joined = True

    async def _send_batch(self) -> None:
        if not self._batch:
            self._batch = self._next_batch()
        if not self._batch:
            return
        for held in self._batch:
            held.state = State.SENT
        try:
            await self._broker.enqueue(self._batch_number, [held.request for held in self._batch])
        except (NotSent, Fenced):  # none of it was taken
            if not self._batch_tried:
                self._take_back_batch()
            raise
        except BrokerUnavailable:
            self._batch_tried = True
            raise
        self._batch_tried = False
        for held in self._batch:
            held.state = State.QUEUED
        self._batch_number += len(self._batch)
        self._batch = []

    def _take_back_batch(self) -> None:
        for held in self._batch:
            held.state = State.PENDING
        self._outbox.extendleft(reversed(self._batch))
        self._batch = []

    def _next_batch(self) -> list[HeldRequest]:
        batch: list[HeldRequest] = []
        room = BATCH_BYTES
        while self._outbox and len(batch) < BATCH_REQUESTS and room > 0:
            held = self._outbox.popleft()
            room -= len(held.request.body) + len(held.request.head)
            batch.append(held)
        return batch

    async def _send_stages(self) -> None:
        while self._stages:
            chunk, done = self._stages[0]
            if not done.done():  # else the client has left meanwhile
                stored = await self._broker.stage(*chunk)
                if not done.done():
                    done.set_result(stored)
            self._stages.popleft()

    async def _send_withdrawals(self) -> None:
        while self._withdrawals:
            why, _ = next(iter(self._withdrawals.values()))
            ids = [id for id, (its, _) in self._withdrawals.items() if its == why][:IDS_AT_ONCE]
            for id, fate in zip(ids, await self._broker.withdraw(ids, why), strict=True):
                _, done = self._withdrawals.pop(id)
                if not done.done():
                    done.set_result(fate)

    async def _send_credits(self) -> None:
        if self._credits:
            credits, self._credits = self._credits, {}
            await self._broker.credit(list(credits.items()))

    # After the broker changed, or gave this front up.

    async def _reconcile(self, taken: int) -> None:
        """Bring what is held here and what the broker holds into line."""
        self._broker.forget_position()
        sent = {id for id, t in self._inbox.held_requests.items() if t.state is not State.PENDING}
        missing = await self._missing(sent)
        strangers = [id for id in await self._broker.held() if id not in sent]
        for ids in _parts(strangers):
            await self._broker.withdraw(ids)
        # Last: what was answered before it was found missing has its answer there.
        self._inbox.deliver(await self._broker.catch_up())
        self._batch = []
        self._batch_tried = False
        self._batch_number = taken + 1
        lost = [t for id, t in self._inbox.held_requests.items() if id in missing and not t.over]
        again = [held for held in lost if self._repeat(held)]
        self._outbox.extendleft(reversed(again))
        if lost:
            logger.warning(
                "The broker had lost %d held requests: %d are sent again, %d are answered 502.",
                len(lost),
                len(again),
                len(lost) - len(again),
            )

    async def _missing(self, ids: Iterable[str]) -> set[str]:
        missing: set[str] = set()
        for part in _parts(list(ids)):
            missing.update(await self._broker.missing(part))
        return missing

    async def _tell_unanswered(self) -> None:
        """Whom the broker is done with, and who finds no answer among the replies, gets none."""
        self._look_due = False  # first: another may be refused meanwhile
        queued = [t for t in self._inbox.held_requests.values() if t.state is State.QUEUED]
        try:
            done_with = await self._missing(held.request.id for held in queued)
            self._inbox.deliver(await self._broker.catch_up())
        except BrokerUnavailable:
            self._look_due = True
            raise
        for held in queued:
            if held.request.id in done_with:
                held.tell(BAD_REPLY)  # behind its answer, where it has one: then nobody reads it

    def _repeat(self, held: HeldRequest) -> bool:
        """Whether a request the broker has lost goes out again; else its client is told."""
        left = int((held.deadline - asyncio.get_running_loop().time()) * 1000)
        if not held.repeatable or held.request.chunks or left <= 0:
            held.tell(WORKER_LOST)
            return False
        held.request = msgspec.structs.replace(held.request, hold_ms=left)
        held.state = State.PENDING
        held.sent_again = True
        return True


def _parts(ids: list[str]) -> list[list[str]]:
    return [ids[at : at + IDS_AT_ONCE] for at in range(0, len(ids), IDS_AT_ONCE)]
