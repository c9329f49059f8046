"""A front and workers that do nothing but talk to the broker, each a process of its own."""

import asyncio
import multiprocessing
import os
import signal

from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.encoded_request import EncodedRequest
from queueproxy.broker.front_broker import FrontBroker, Limits
from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.registration import WorkerRegistration
from queueproxy.broker.worker_broker import WorkerBroker
from queueproxy.envelopes import Frame, ReplyHead
from queueproxy.records import Meta

QUEUES = ("ops", "high", "default", "low")
LEASE = 600.0  # seconds; nobody beats
HEAD = b"h" * 475  # with its expiry, about as long as a request envelope's
BATCH = 64  # as the front's

processes = multiprocessing.get_context("spawn")


def front(url: str, waiting: int, answered) -> None:
    """Keep so many requests on the queue; count the answers in a shared value."""
    _end_with_sigterm()
    asyncio.run(_front(url, waiting, answered))


async def _front(url: str, waiting: int, answered) -> None:
    broker, limits = _broker(url), Limits(10 * waiting, 1 << 28)
    front = f"light:{os.getpid()}"
    front_broker = FrontBroker(broker, front, QUEUES, limits, broker.codec(()))
    await front_broker.join({"host": "light", "pid": os.getpid()})
    due = asyncio.Queue()
    due.put_nowait(waiting)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_enqueue(front_broker, due))
        tasks.create_task(_count(front_broker, due, answered))


async def _enqueue(front_broker: FrontBroker, due: asyncio.Queue) -> None:
    number, left = 1, 0
    while True:
        left += await due.get() if not left else 0
        while not due.empty():
            left += due.get_nowait()
        batch = [_encoded(front_broker.front, number + i) for i in range(min(left, BATCH))]
        await front_broker.enqueue(number, batch)
        number, left = number + len(batch), left - len(batch)


def _encoded(front: str, number: int) -> EncodedRequest:
    meta = Meta(f"{number:016x}", front, hold_ms=60_000, size=0, piece_size=0, max_attempts=2)
    return EncodedRequest("default", meta, HEAD, b"", b"")


async def _count(front_broker: FrontBroker, due: asyncio.Queue, answered) -> None:
    while True:
        replies = await front_broker.replies.read()
        answered.value += len(replies)
        due.put_nowait(len(replies))


def worker(url: str) -> None:
    """One worker_broker that answers at once whatever it claims."""
    _end_with_sigterm()
    info = {"host": "light", "pid": os.getpid()}
    registration = WorkerRegistration(_broker(url), info, QUEUES)
    registration.join()
    broker = _broker(url)
    worker_broker = WorkerBroker(broker, broker.codec(()), registration.worker, 0, QUEUES)
    claim = worker_broker.settle_and_claim(None)
    while True:
        claim = (
            worker_broker.wait()
            if claim is None
            else worker_broker.settle_and_claim(_answer(claim))
        )


def _broker(url: str) -> Broker:
    return Broker(BrokerAddress(url), "queueproxy", LEASE)


def _answer(claim: Claim) -> Settlement:
    frame = Frame(ReplyHead(id=claim.id, attempt=claim.attempt, seq=0, status=200), b"ok")
    return Settlement(claim, "answered", frame, "GET", 0.001, 200)


def _end_with_sigterm() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
