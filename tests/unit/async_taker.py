"""Runs requests as an event loop's slot does; what they answered, put together."""

import asyncio
import threading

from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.queue_order import QueueOrder
from queueproxy.broker.slot import Slot
from queueproxy.envelopes import WIRE_VERSION, Envelope, Frame, RequestHead
from queueproxy.worker.asynchronous.clients import Client
from queueproxy.worker.asynchronous.event_loop import RequestLoop
from queueproxy.worker.asynchronous.executor import AsyncExecutor
from queueproxy.worker.asynchronous.request import AsyncRequest
from queueproxy.worker.view_watch import ViewClock

from .executor_site import events


class AsyncTaker:
    """Takes one answer in the broker's place; its client may leave after so many bytes."""

    def __init__(self, leaves_after: int | None = None):
        self.client = Client()
        self._leaves_after = leaves_after
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []
        self.outcome = ""
        self.aborted = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def body_of(self, slot: Slot, claim: Claim, envelope: Envelope) -> None:
        return None

    async def push(self, slot: Slot, claim: Claim, frame: Frame) -> bool:
        self._take(frame)
        if self._leaves_after is not None and len(self.body) >= self._leaves_after:
            self.client.told(0, left=True)
        return True

    async def settle(self, slot: Slot, settlement: Settlement) -> None:
        self.outcome = settlement.outcome
        if settlement.frame is not None:
            self._take(settlement.frame)
            self.aborted = settlement.frame.head.aborted
        events.append("settled")

    async def wanted(self, claim: Claim) -> bool:
        return True

    def _take(self, frame: Frame) -> None:
        if frame.head.seq == 0:
            self.status, self.headers = frame.head.status, frame.head.headers
        if frame.body:
            self.chunks.append(frame.body)
            events.append("chunk")


async def answer(executor, head: RequestHead, body: bytes, taker: AsyncTaker) -> AsyncTaker:
    """Run one request as a slot does."""
    slot = Slot("worker", 0, QueueOrder(("default",)), 1 << 20)
    claim = Claim(head.id, "default", "1-1", 1, 0, WIRE_VERSION, b"", b"", b"", head.front, 1)
    envelope = Envelope(head, body)
    request = AsyncRequest(taker, executor, slot, claim, taker.client, ViewClock(0), envelope)
    await request.run()
    return taker


class LoopInThread:
    """A worker's event loop and its executor, in a thread of their own."""

    def __init__(self):
        self.executor = AsyncExecutor()
        self.loop = RequestLoop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.loop.run_to_the_end(self._stop.wait())
        self.loop.end()
        self.executor.close_thread()

    def begin(self, head: RequestHead, body: bytes = b"", taker: AsyncTaker | None = None):
        """Begin a request; a future of what takes its answer."""
        coroutine = answer(self.executor, head, body, taker or AsyncTaker())
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, head: RequestHead, body: bytes = b"", taker: AsyncTaker | None = None):
        """Run one request to its end."""
        return self.begin(head, body, taker).result(20)

    def close(self) -> None:
        """End both."""
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()
