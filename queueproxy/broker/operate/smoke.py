"""Runs single requests on one release through the queue: nobody's client waits behind them."""

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ...envelopes import Frame, Header, ReplyHead, RequestHead
from ...exceptions import BrokerUnavailable
from ..encoded_request import encode_request
from ..front_broker import FrontBroker, Limits, new_front_id
from ..handle import Broker
from ..observe.not_served import reason_text
from ..replies import Notice, PiecesWanted
from .control import Control, new_request_id

LIMITS = Limits(depth=10**6, memory=10**12)
# Where the words for what clients are told would mislead whoever tries a release out.
OWN_WORDS = {
    "worker_lost": "its worker was lost",
    "hold_expired": "no worker of it took this in time",
    "hold_expired_started": "it was given up after it had begun",
}


class Outcome(NamedTuple):
    """What came of one request.

    Attributes:
        status: of the answer; 0 where there was none.
        seconds: that it ran for until its end. Its worker says that of an answer of one piece; of
            one that came in more pieces it is measured here, from its start to the last of them.
        size: bytes of the body.
        digest: of the body.
        location: where a redirect leads to, as it was sent; empty for none.
        problem: why there was no answer, or no whole one; empty where there was.
    """

    status: int
    seconds: float = 0.0
    size: int = 0
    digest: str = ""
    location: str = ""
    problem: str = ""

    @property
    def failed(self) -> bool:
        """Whether the release can't be trusted with this address."""
        return bool(self.problem) or self.status >= 500


class Smoke:
    """Asks releases, one request after the other.

    Args:
        broker: of the site.
        queue: that the requests wait in; a pause of it holds them too.
        queues: all that there are.
        secrets: to sign with.
        headers: of each request.
        scheme: ``http`` or ``https``.
        patience: seconds until an answer must have come.
    """

    def __init__(
        self,
        broker: Broker,
        queue: str,
        queues: Sequence[str],
        secrets: Sequence[str | bytes],
        *,
        headers: Sequence[Header],
        scheme: str,
        patience: float,
    ):
        self._broker = broker
        self._queue = queue
        self._queues = tuple(queues)
        self._codec = broker.codec(secrets)
        self._headers = list(headers)
        self._scheme = scheme
        self._patience = patience

    async def get(self, release: str, target: str) -> Outcome:
        """Have a release answer GET, once.

        Args:
            release: its name.
            target: path and query, percent-encoded.

        Raises:
            BrokerUnavailable: whether it ran is not known.
        """
        front = new_front_id(socket.gethostname(), os.getpid())
        lease = max(self._broker.lease, self._patience)
        front_broker = FrontBroker(self._broker, front, self._queues, LIMITS, self._codec, lease)
        try:
            about = {"host": socket.gethostname(), "pid": os.getpid(), "errand": "release smoke"}
            await front_broker.join(about)
            head = self._head(front, release, target)
            await front_broker.enqueue(1, [encode_request(head, self._queue, b"")])
            return await self._within_patience(front_broker, head.id)
        finally:
            with suppress(BrokerUnavailable):
                await front_broker.leave()
            await front_broker.close()

    def _head(self, front: str, release: str, target: str) -> RequestHead:
        path, _, query = target.partition("?")
        id = new_request_id()
        return RequestHead(
            id=id,
            request_id=f"smoke-{id}",
            method="GET",
            path=path,
            query=query,
            headers=self._headers,
            scheme=self._scheme,
            http_version="1.1",
            front=front,
            queue=self._queue,
            hold_ms=int(self._patience * 1000),
            max_attempts=1,
            sent=int(time.time() * 1000),
            client=("127.0.0.1", 0),
            release=release,
        )

    async def _within_patience(self, front_broker: FrontBroker, id: str) -> Outcome:
        try:
            async with asyncio.timeout(self._patience):
                return await self._answer(front_broker)
        except TimeoutError:
            (fate,) = await front_broker.withdraw([id])
            if fate == "withdrawn":
                what = await asyncio.to_thread(self._why_unclaimed)
            else:
                what = "no whole answer"
            return Outcome(0, problem=f"{what} within {self._patience:g} s")

    def _why_unclaimed(self) -> str:
        with self._broker.link("control") as link:
            paused = Control(link).paused([self._queue])
        return f"{self._queue} is paused: not run" if paused else "no worker of it took this"

    async def _answer(self, front_broker: FrontBroker) -> Outcome:
        sent, coming = time.monotonic(), _Coming()
        while True:
            for reply in await front_broker.replies.read():
                if isinstance(reply, Notice):
                    why = OWN_WORDS.get(reply.reason) or reason_text(reply.reason)
                    return Outcome(coming.status, problem=why)
                if isinstance(reply, PiecesWanted):
                    continue  # there is no body
                frame = self._codec.decode_reply(*reply)
                coming.add(frame)
                if not frame.head.more:
                    return coming.outcome(frame, time.monotonic() - sent)
                await front_broker.acknowledge([(frame.head.id, coming.size)])


class _Coming:
    """An answer as its frames come."""

    def __init__(self) -> None:
        self._first = ReplyHead("", 0, 0)
        self._body = hashlib.sha256()
        self.size = 0  # bytes of the body so far

    @property
    def status(self) -> int:
        """0 before the first."""
        return self._first.status

    def add(self, frame: Frame) -> None:
        """Take one in."""
        if frame.head.seq == 0:
            self._first = frame.head
        self.size += len(frame.body)
        self._body.update(frame.body)

    def outcome(self, last: Frame, seconds: float) -> Outcome:
        """Tell what has come, with its last frame, `seconds` after it was asked for."""
        first = self._first
        ran = first.run_ms / 1000
        if last.head.seq:
            ran = max(ran, seconds - first.wait_ms / 1000)
        found = (value for name, value in first.headers if name.lower() == "location")
        problem = "broken off" if last.head.aborted else ""
        digest = self._body.hexdigest()
        return Outcome(first.status, ran, self.size, digest, next(found, ""), problem)
