"""Whole workers at a real broker, in this process; what they answered, frame by frame."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

import msgspec
import msgspec.structs

from queueproxy.broker.encoded_request import EncodedRequest, group_limit
from queueproxy.broker.front_broker import FrontBroker
from queueproxy.broker.replies import Notice
from queueproxy.envelopes import Frame, RequestHead, encoded_head
from queueproxy.exceptions import BrokerUnavailable
from queueproxy.signing import digest_of
from queueproxy.worker.process import Worker, WorkerOptions

from ...brokers import QUEUES, SECRETS, BrokerKit, eventually
from . import views

_numbers = count(1)


class WorkerInThread(threading.Thread):
    """A worker at work.

    Args:
        kit: whose broker.
        lease: seconds, where it is not the kit's.
        options: of WorkerOptions.
    """

    def __init__(self, kit: BrokerKit, *, lease: float = 0.0, **options):
        super().__init__(name="worker", daemon=True)
        broker = replace(kit.broker, lease=lease or kit.lease)
        about = {"broker": broker, "queues": QUEUES}
        about |= {"secrets": SECRETS, "graceful_timeout": 20.0}
        self.told: list[str] = []
        self.worker = Worker(WorkerOptions(**about | options), self.told.append)
        self.status: int | None = None

    def run(self) -> None:
        self.status = self.worker.run()

    @property
    def id(self) -> str:
        """As registered last; empty before."""
        return next((word for word in reversed(self.told) if ":" in word), "")

    def ended(self, timeout: float = 20.0) -> int:
        """Its exit status, once it has ended."""
        self.join(timeout)
        assert not self.is_alive(), "the worker did not end"
        return self.status


class Client:
    """Those who ask: one front's front_broker, and what came back for each request."""

    def __init__(self, kit: BrokerKit, front_broker: FrontBroker):
        self.kit = kit
        self.front_broker = front_broker
        self._taken: dict[str, int] = {}

    async def ask(self, path: str, method: str = "GET", body: bytes = b"", **changes) -> str:
        """Enqueue a request; its id."""
        order = msgspec.structs.replace(self.encoded_request(path, method, body), **changes)
        await self._persist(lambda: self.kit.send(self.front_broker, order))
        return order.id

    async def take(self, id: str, size: int) -> None:
        """Tell the worker that so many bytes more of a stream are taken."""
        self._taken[id] = taken = self._taken.get(id, 0) + size
        await self._persist(lambda: self.front_broker.acknowledge([(id, taken)]))

    async def _persist(self, action: Callable[[], Awaitable]):
        while True:
            try:
                return await action()
            except BrokerUnavailable:
                await asyncio.sleep(0.01)

    def encoded_request(
        self, path: str, method: str = "GET", body: bytes = b"", **changes
    ) -> EncodedRequest:
        """A request; `changes` to its head are signed too."""
        id = f"r{next(_numbers)}"
        order = self.kit.encoded_request(
            self.front_broker.front, id, most=2 if method == "GET" else 1
        )
        raw, _, query = path.partition("?")
        head = msgspec.structs.replace(
            msgspec.json.decode(order.head, type=RequestHead),
            **{"method": method, "path": raw, "query": query, "body_size": len(body)} | changes,
        )
        return msgspec.structs.replace(
            order,
            meta=order.meta._replace(size=len(body), **group_limit(head)._asdict()),
            head=encoded_head(head),
            body=body,
            digest=digest_of(body),
        )

    async def frames(self, id: str) -> list[Frame]:
        """Those that came for a request, in order; one that came twice is dropped, as fronts do."""
        replies = await self._persist(self.front_broker.replies.catch_up)
        raw = [reply for reply in replies if not isinstance(reply, Notice)]
        frames: list[Frame] = []
        for frame in (self.kit.codec.decode_reply(*reply) for reply in raw):
            if frame.head.id == id and not (frames and frame.head.seq <= frames[-1].head.seq):
                frames.append(frame)
        return frames

    async def notices(self, id: str) -> list[str]:
        """What the broker said of a request."""
        replies = await self._persist(self.front_broker.replies.catch_up)
        return [reply.reason for reply in replies if isinstance(reply, Notice) and reply.id == id]

    async def notice(self, id: str) -> str:
        """The one thing the broker says of a request."""
        (reason,) = await eventually(lambda: self.notices(id), f"a notice for {id}")
        return reason

    async def whole(self, id: str) -> list[Frame]:
        """All frames of an answer, once it has come to its end."""

        async def look():
            frames = await self.frames(id)
            return frames if frames and not frames[-1].head.more else None

        frames = await eventually(look, f"the answer of {id}")
        assert [frame.head.seq for frame in frames] == list(range(len(frames)))
        assert {frame.head.attempt for frame in frames} == {frames[0].head.attempt}
        return frames

    async def status(self, id: str) -> int:
        """Of the answer, once it has come to its end."""
        return (await self.whole(id))[0].head.status


def fresh_state() -> views.State:
    """The views' state, as new."""
    views.state = views.State()
    return views.state
