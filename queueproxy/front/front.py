"""The front of one event loop: holds requests, sends them to the broker, hands replies back.

Three kinds of task share its state: the sender, the listener for replies and, one for each client,
the server's, which runs a consumer. They share the inbox, the outbox and the held requests without
a lock. That is safe because all of them run on one event loop, and none awaits between what it
reads of the state and the change that follows from it: the methods of inbox, outbox and held
request are not coroutines. The sender takes a piece from the outbox, awaits the broker, then says
how it went; meanwhile others may add and withdraw, and the outbox allows for both. What was read
before an await is looked up again after it (see `reconcile`). Each link has one user: the sender
has the one for requests, the listener the one for replies.
"""

import asyncio
import os
import secrets
import socket
from dataclasses import dataclass

from ..broker.encoded_request import EncodedRequest
from ..broker.front_broker import FrontBroker, Limits, Why, new_front_id
from ..broker.handle import Broker
from ..exceptions import BrokerUnavailable
from ..route_table import signer
from .answer_spool import AnswerSpool
from .held_request import DeliveryState, HeldRequest
from .inbox import Inbox
from .kept_body import KeptBody
from .known_routes import KnownRoutes
from .memory import MemoryBudget, Reservation
from .outage import Outage
from .outbox import Outbox
from .sender import Sender
from .spool import Spool
from .treatment import FENCED_ATTEMPTS
from .untold import Untold, leave

# Reading one reply costs the broker and the front as much as reading ten. While many requests are
# held and have had to wait, reading is put off, at most for the time a request waits for a worker,
# so that no worker goes idle. At 32 clients it halved the front's work for a sixth more requests.
GATHER_REPLIES_FROM = 8  # held requests
GATHER_REPLIES_FOR = 0.006  # seconds at most


@dataclass(frozen=True)
class FrontOptions:
    """Options of a front, as plain values. Times in seconds, sizes in bytes."""

    broker: Broker
    queues: tuple[str, ...]
    secrets: tuple[str | bytes, ...]
    max_depth: int
    max_memory: int
    front_memory: int
    front_spool: int
    front_spool_dir: str | None
    keep_answered: int = 0  # of requests that it answers itself: see refused_notes.py


class Front:
    """Holds clients' requests. Belongs to the event loop it is started on.

    Args:
        options: plain values, from the settings.
    """

    def __init__(self, options: FrontOptions):
        host = socket.gethostname()
        self.id = new_front_id(host, os.getpid())
        codec = options.broker.codec(options.secrets)
        self.signs = codec.signs
        self._outbox = Outbox()
        self.inbox = Inbox(codec, self._outbox.pieces.add, self._send_anew)
        self.routes = KnownRoutes(signer(options.secrets, options.broker.namespace))
        self.memory = MemoryBudget(options.front_memory)
        self.spool = Spool(options.front_spool, options.front_spool_dir)
        self.answers = AnswerSpool(self.spool)
        self.draining = False
        self._loop = asyncio.get_running_loop()
        self._ids = _RequestIds()
        self._broker = FrontBroker(
            options.broker,
            self.id,
            options.queues,
            Limits(options.max_depth, options.max_memory),
            codec,
        )
        self.untold = Untold(self._broker, options.queues, options.keep_answered)
        info = {"host": host, "pid": os.getpid()}
        lease = options.broker.lease
        self.sender = Sender(
            self._broker, self.inbox, self._outbox, self.routes, self.untold, info, lease
        )
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to talk to the broker; returns at once, whether it is there or not."""
        self._tasks = [
            self._loop.create_task(self.sender.run(), name="queueproxy sender"),
            self._loop.create_task(self._listen(), name="queueproxy replies"),
        ]

    async def stop(self) -> None:
        """Leave the broker's list and drop the links."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(2):
                await leave(self._broker, self._outbox, self.untold)
        except (BrokerUnavailable, TimeoutError):
            pass  # its lease runs out by itself
        except Exception as error:
            Outage("Leaving the broker's list").failed(error)
        await self._broker.close()

    def new_id(self) -> str:
        """Make an id for one request, unique over all fronts."""
        return self._ids.next()

    def hold(
        self,
        request: EncodedRequest,
        memory: Reservation | None = None,
        body: KeptBody | None = None,
    ) -> HeldRequest:
        """Hold a request and send it off; enter the context at once, so that it is released.

        Args:
            request: what is sent to the broker.
            memory: of the request, to count its answer in; None for one of its own.
            body: of the request, where it stays here; closed when it is not needed any more.
        """
        memory = memory or self.memory.reservation()
        held = HeldRequest(
            request, self._loop, memory, self._let_go, body, self.acknowledge, self.answers
        )
        self.inbox.add(held)
        self._outbox.add(held)
        self.sender.wake()
        return held

    def _let_go(self, held: HeldRequest) -> None:
        self.inbox.remove(held)
        self._outbox.pieces.drop(held.request.id)
        unsent = held.state is DeliveryState.PENDING  # again, where it is sent anew
        if (unsent or not held.settled) and not held.withdrawn:
            self.withdraw(held)

    def _send_anew(self, held: HeldRequest, database: str) -> bool:
        """Sign a request that no worker has run by the broker's time as it is now, and send it.

        Args:
            database: in which it is to happen once; empty for none.

        Returns:
            False where it may not be: too often, too late, or nobody waits.
        """
        now = self._loop.time()
        if not held.may_be_sent_after_refusal(now):
            return False
        held.times_refused += 1
        held.request = held.request.anew(int((held.deadline - now) * 1000))
        if database:
            held.request = held.request.fenced(database, FENCED_ATTEMPTS)
        self._broker.time.doubted = True
        self._outbox.send_anew(held)
        self.sender.wake()
        return True

    def withdraw(self, held: HeldRequest, why: Why = "left") -> asyncio.Future[str]:
        """Tell the broker that nobody waits for a request any more.

        Returns:
            What became of it: see FrontBroker.withdraw; ``unsent`` where the broker never had it.
        """
        done = self._loop.create_future()
        self._outbox.withdraw(held, why, done)
        self.sender.wake()
        return done

    def acknowledge(self, held: HeldRequest) -> None:
        """Let the worker of an answer know how much of it counts as taken by the client."""
        self._outbox.acknowledgements.add(held.request.id, held.kept.taken)
        self.sender.wake()

    async def _listen(self) -> None:
        outage = Outage("Reading replies", self.sender.refusals)
        while True:
            try:
                if self.inbox.deliver(await self._broker.replies.read()):
                    self.sender.check_unanswered()
                if self._outbox.pieces:
                    self.sender.wake()
                outage.ended()
                if len(self.inbox.held_requests) >= GATHER_REPLIES_FROM:
                    await asyncio.sleep(min(self.inbox.waited, GATHER_REPLIES_FOR))
            except Exception as error:
                await asyncio.sleep(outage.failed(error))


class _RequestIds:
    """Makes ids cheaply: a random prefix for each run of them, then a count."""

    def __init__(self) -> None:
        self._prefix = ""
        self._count = 0

    def next(self) -> str:
        """Make the next id."""
        if self._count % 4096 == 0:
            self._prefix = secrets.token_hex(8)
        self._count += 1
        return f"{self._prefix}{self._count:x}"
