"""Runs single requests on one release through the queue: nobody's client waits behind them."""

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ...envelopes import Header, RequestHead
from ...exceptions import BrokerUnavailable
from ..encoded_request import encode_request
from ..front_broker import FrontBroker, Limits, new_front_id
from ..handle import Broker
from ..replies import Notice, PiecesWanted
from .control import new_request_id

LIMITS = Limits(depth=10**6, memory=10**12)


class Outcome(NamedTuple):
    """What came of one request.

    Attributes:
        status: of the answer; 0 where there was none.
        seconds: that it ran for, as its worker says.
        size: bytes of the body.
        digest: of the body.
        problem: why there was no answer, or no whole one; empty where there was.
    """

    status: int
    seconds: float = 0.0
    size: int = 0
    digest: str = ""
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
            await front_broker.join({"host": socket.gethostname(), "pid": os.getpid()})
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
            what = "no worker of it took this" if fate == "withdrawn" else "no whole answer"
            return Outcome(0, problem=f"{what} within {self._patience:g} s")

    async def _answer(self, front_broker: FrontBroker) -> Outcome:
        status, seconds, size, body = 0, 0.0, 0, hashlib.sha256()
        while True:
            for reply in await front_broker.replies.read():
                if isinstance(reply, Notice):
                    return Outcome(status, problem=reply.reason)
                if isinstance(reply, PiecesWanted):
                    continue  # there is no body
                frame = self._codec.decode_reply(*reply)
                status, seconds = frame.head.status or status, seconds or frame.head.run_ms / 1000
                size += len(frame.body)
                body.update(frame.body)
                if not frame.head.more:
                    problem = "broken off" if frame.head.aborted else ""
                    return Outcome(status, seconds, size, body.hexdigest(), problem)
                await front_broker.acknowledge([(frame.head.id, size)])
