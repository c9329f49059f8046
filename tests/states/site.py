"""A site without views: fronts, workers and people on one broker, on links that lose replies."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeVar

import redis

from queueproxy.broker.encoded_request import EncodedRequest
from queueproxy.broker.front_broker import FrontBroker, Limits
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.observe.lease_clock import FIELD
from queueproxy.broker.operate.control import Control
from queueproxy.broker.operate.hold import Hold
from queueproxy.broker.operate.releases import Releases
from queueproxy.broker.own_release import OwnRelease
from queueproxy.broker.registration import WorkerRegistration
from queueproxy.broker.worker_broker import WorkerBroker
from queueproxy.exceptions import BrokerUnavailable

from ..brokers import ABOUT, SECRETS
from .actors import SLOTS, FrontActor, SlotActor, WorkerActor
from .clock import flush_all_but_clock, start_clock, step_clock, stepping_clock
from .lossy_links import LossyBroker
from .snapshot import Snapshot

R = TypeVar("R")
QUEUES = ("high", "default")
LEASE = 90.0  # seconds; of a front twice that
DEPTH = 8  # requests a queue; two of a group may wait
MEMORY = 1 << 24
PAUSED_BY_HOLD = 60.0  # seconds


class Site:
    """Everybody who calls, each by a name or a number.

    Args:
        url: of an empty broker.
    """

    def __init__(self, url: str):
        self.broker = LossyBroker(BrokerAddress(url), "states", LEASE, MEMORY)
        self.keys = self.broker.keys
        self.client = redis.Redis.from_url(url, protocol=2)
        self.client.flushall()
        start_clock(self.client)
        self._clock = ExitStack()
        self._clock.enter_context(stepping_clock())
        self.loop = asyncio.new_event_loop()
        self.fronts: list[FrontActor] = []
        self.workers: list[WorkerActor] = []
        self._link = self.broker.link("people")
        self.control, self.releases = Control(self._link), Releases(self._link)
        self.hold = self.new_hold()

    def new_hold(self) -> Hold:
        """A hold that has not begun."""
        return Hold(self._link, QUEUES, PAUSED_BY_HOLD, by="hold", reason="")

    def again(self, call: Callable[[], R | Awaitable[R]], lost: int = 0) -> R:
        """Make a call until its reply comes, as all callers do; ``lost`` replies do not come."""
        self.broker.losses.due = lost
        while True:
            try:
                made = call()
                return self.loop.run_until_complete(made) if asyncio.iscoroutine(made) else made
            except BrokerUnavailable:
                continue

    def front(self, name: str) -> FrontActor:
        """A front that has not joined."""
        limits = Limits(DEPTH, MEMORY)
        asks = FrontBroker(self.broker, name, QUEUES, limits, self.broker.codec(SECRETS))
        front = FrontActor(name, asks)
        self.fronts.append(front)
        return front

    async def join(self, front: FrontActor) -> None:
        """Put it on the list; it goes on from the number that the broker has."""
        front.number = (await front.asks.join(ABOUT)).taken

    async def enqueue(self, front: FrontActor, requests: list[EncodedRequest]) -> None:
        """Send a batch."""
        await front.asks.enqueue(front.number + 1, requests)
        front.number += len(requests)

    def worker(self, release: str) -> WorkerActor:
        """A worker that has joined."""
        info = {"host": "host", "pid": len(self.workers) + 1, "release": release, "threads": SLOTS}
        own = OwnRelease(release, 0)
        registration = WorkerRegistration(self.broker, info, QUEUES, release=own)
        registration.join()
        slots = [SlotActor(self._slot(registration, number)) for number in range(SLOTS)]
        worker = WorkerActor(registration, slots)
        self.workers.append(worker)
        return worker

    def _slot(self, registration: WorkerRegistration, number: int) -> WorkerBroker:
        codec, worker = self.broker.codec(SECRETS), registration.worker
        own = registration.release
        return WorkerBroker(self.broker, codec, worker, number, QUEUES, release=own)

    def reap(self, worker: str) -> None:
        """What a supervisor does that sees a worker die."""
        self._link.script("worker_reap", worker)

    def pass_time(self, seconds: float) -> None:
        """Let the lease clock go on, as it does while processes call for so long."""
        clock = self.client.hget(self.keys.state, FIELD)
        if clock:
            at, rest = clock.split(b" ", 1)
            told = b"%d %s" % (int(at) + int(seconds * 1000), rest)
            self.client.hset(self.keys.state, FIELD, told)

    def step_server_clock(self, seconds: float) -> None:
        """Set the server's own clock."""
        step_clock(self.client, seconds)

    def flush(self) -> None:
        """Let the server forget everything."""
        flush_all_but_clock(self.client)

    def begin_epoch(self) -> None:
        """Let these keys have been written on another server than this one (a failover)."""
        self.client.hset(self.keys.state, "run", "another")

    def snapshot(self) -> Snapshot:
        """What the keys say now."""
        return Snapshot(self.client, self.keys)

    def close(self) -> None:
        """Drop all links."""
        for front in self.fronts:
            self.loop.run_until_complete(front.asks.close())
        for link in self.broker.losses.links:
            link.close()
        self.client.close()
        self.loop.close()
        self._clock.close()
