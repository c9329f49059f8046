"""The front of one event loop: holds requests, sends them off, hands their replies back."""

import asyncio
import logging
import os
import secrets
import socket
from dataclasses import dataclass

from ..backoff import Backoff
from ..broker.front_broker import EncodedRequest, FrontBroker, Limits, new_front_id
from ..broker.handle import Broker
from ..envelopes import Codec
from ..exceptions import BrokerUnavailable
from .held_request import HeldRequest
from .inbox import Inbox
from .sender import Sender

logger = logging.getLogger("queueproxy.front")

# A trip for replies costs the broker and the front as much for one as for ten. While many are held
# and had to wait, replies may wait for one another, for no longer than a request waits for a
# worker: none runs dry of it. At 32 clients it halved the front's work for a sixth more requests.
CROWD = 8  # held requests
MOST_LINGER = 0.006  # seconds


@dataclass(frozen=True)
class FrontOptions:
    """What a front needs to know, as plain values. Times in seconds, sizes in bytes."""

    broker: Broker
    queues: tuple[str, ...]
    secrets: tuple[str, ...]
    max_depth: int
    max_memory: int


class Front:
    """Holds clients' requests. Belongs to the event loop it is started on.

    Args:
        options: plain values, from the settings.
    """

    def __init__(self, options: FrontOptions):
        host = socket.gethostname()
        self.id = new_front_id(host, os.getpid())
        self.codec = Codec(options.secrets)
        self.inbox = Inbox(self.codec)
        self.draining = False
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._ids = _Ids()
        self._broker = FrontBroker(
            options.broker,
            self.id,
            options.queues,
            Limits(options.max_depth, options.max_memory),
        )
        info = {"host": host, "pid": os.getpid()}
        self.sender = Sender(self._broker, self.inbox, info, options.broker.lease)
        self._tasks: list[asyncio.Task] = []

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
                await self._broker.leave()
        except (BrokerUnavailable, TimeoutError):
            pass  # its lease runs out by itself
        await self._broker.close()

    def new_id(self) -> str:
        """An id for one request, unique over all fronts."""
        return self._ids.next()

    def has_room(self, size: int) -> bool:
        """Whether a request of so many bytes may be held: the front's memory has a limit too."""
        return self.inbox.bytes + size <= self._options.max_memory

    def submit(self, order: EncodedRequest) -> HeldRequest:
        """Hold a request and send it off."""
        held = HeldRequest(order, self._loop)
        self.inbox.add(held)
        self.sender.send(held)
        return held

    async def _listen(self) -> None:
        backoff = Backoff()
        while True:
            try:
                if self.inbox.deliver(await self._broker.read()):
                    self.sender.look_for_unanswered()
                backoff.succeeded()
                if len(self.inbox.held_requests) >= CROWD:
                    await asyncio.sleep(min(self.inbox.waited, MOST_LINGER))
            except BrokerUnavailable:
                await asyncio.sleep(backoff.failed())
            except Exception:
                logger.exception("Reading replies failed; trying again.")
                await asyncio.sleep(backoff.failed())


class _Ids:
    """Ids cheap to make: a random prefix for each run of them, then a count."""

    def __init__(self):
        self._prefix = ""
        self._count = 0

    def next(self) -> str:
        if self._count % 4096 == 0:
            self._prefix = secrets.token_hex(8)
        self._count += 1
        return f"{self._prefix}{self._count:x}"
