"""However a request stops being held, the broker is told: no worker works for nobody (P5, P8)."""

import asyncio
from dataclasses import replace

import pytest

from queueproxy.broker.claims import Settlement
from queueproxy.envelopes import Frame, ReplyHead
from queueproxy.front.consumer import RequestConsumer
from queueproxy.front.consumer_options import ConsumerOptions
from queueproxy.front.kept_body import KeptBody
from queueproxy.front.upload import INLINE

from ..brokers import BrokerKit, answer, eventually, part

WITHIN = 15  # seconds
OPTIONS = ConsumerOptions(
    max_hold=60,
    max_body=1 << 20,
    max_attempts=2,
    retry_methods=frozenset(("GET",)),
    trusted_proxies=(),
    server_timing=False,
    route=lambda scope, said: "default",
)


class Connection:
    """One request as a server passes it to the consumer, and what is sent back."""

    def __init__(self, front, body: bytes = b"", *, method: str = "GET", **options):
        self._method = method
        self.sent: list[dict] = []
        self.broken = False  # from now on `send` raises
        self.incoming: asyncio.Queue[dict] = asyncio.Queue()
        self._headers = [(b"host", b"a")]
        if body:
            self._headers.append((b"content-length", b"%d" % len(body)))
            self.incoming.put_nowait({"type": "http.request", "body": body})
        consumer = RequestConsumer(front, replace(OPTIONS, **options))
        self.task = asyncio.create_task(consumer(self._scope(), self.incoming.get, self._send))

    def _scope(self) -> dict:
        return {
            "type": "http",
            "method": self._method,
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": self._headers,
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }

    async def _send(self, message: dict) -> None:
        if self.broken:
            raise RuntimeError("The server can't send.")
        self.sent.append(message)

    def disconnect(self) -> None:
        self.incoming.put_nowait({"type": "http.disconnect"})

    async def end(self) -> None:
        """Wait for the consumer to return, however that is."""
        await asyncio.wait_for(asyncio.gather(self.task, return_exceptions=True), WITHIN)


def held_by_broker(kit: BrokerKit, front) -> int:
    return kit.client.hlen(kit.keys.named("held", front.id))


def forge(kit: BrokerKit, front, id: str) -> None:
    """Put a frame on the replies that is not signed by any of ours."""
    head, _ = kit.codec.encode_reply(Frame(ReplyHead(id, 1, 0, status=200), b""))
    fields = {"v": "1", "h": head, "b": b"forged", "s": b"x" * 32}
    kit.client.xadd(kit.keys.named("replies", front.id), fields)


async def claimed(worker_broker):
    return await eventually(lambda: worker_broker.settle_and_claim(None))


# Ways out in mid-stream: each takes (kit, front, connection, worker_broker, claim).


def forged_frame(kit, front, connection, worker_broker, claim):
    forge(kit, front, claim.id)


def gap_in_the_frames(kit, front, connection, worker_broker, claim):
    worker_broker.push(claim, part(claim, 2))


def failing_send(kit, front, connection, worker_broker, claim):
    connection.broken = True
    worker_broker.push(claim, part(claim, 1))


def cancelled_task(kit, front, connection, worker_broker, claim):
    connection.task.cancel()


def client_leaving(kit, front, connection, worker_broker, claim):
    connection.disconnect()


WAYS_OUT = [forged_frame, gap_in_the_frames, failing_send, cancelled_task, client_leaving]


@pytest.mark.parametrize("leave", WAYS_OUT)
async def test_a_stream_nobody_reads_any_more_is_stopped(kit, front, leave):
    """The worker's thread, waiting for its client to take more, goes on at once."""
    connection = Connection(front)
    worker_broker = kit.worker_broker()
    claim = await claimed(worker_broker)
    assert worker_broker.push(claim, part(claim, 0))
    await eventually(lambda: connection.sent)
    waiting = asyncio.create_task(asyncio.to_thread(kit.progress, worker_broker, WITHIN))
    leave(kit, front, connection, worker_broker, claim)
    await connection.end()
    await eventually(lambda: not held_by_broker(kit, front), timeout=WITHIN)
    assert (await asyncio.wait_for(waiting, WITHIN / 3)).left == {claim.id}
    assert not worker_broker.wanted(claim)
    assert not worker_broker.push(claim, part(claim, 1))


def forged_reply(kit, front, connection):
    (id,) = front.inbox.held_requests
    forge(kit, front, id)


@pytest.mark.parametrize(
    "leave",
    [
        forged_reply,
        lambda kit, front, connection: connection.task.cancel(),
        lambda kit, front, connection: connection.disconnect(),
    ],
    ids=["forged_reply", "cancelled_task", "client_leaving"],
)
async def test_a_request_nobody_waits_for_is_never_started(kit, front, leave):
    connection = Connection(front)
    await eventually(lambda: kit.counters().waiting == 1)
    leave(kit, front, connection)
    await connection.end()
    await eventually(lambda: not held_by_broker(kit, front), timeout=WITHIN)
    assert kit.worker_broker().settle_and_claim(None) is None
    await eventually(lambda: kit.counters() == kit.there())  # a forged reply is not counted


async def test_a_hold_that_ends_is_told(kit, front):
    connection = Connection(front, max_hold=0.2)
    await connection.end()
    assert connection.sent[0]["status"] == 503
    assert not held_by_broker(kit, front)


@pytest.mark.parametrize("aborted", [False, True])
async def test_what_the_broker_has_settled_is_not_withdrawn(kit, front, monkeypatch, aborted):
    withdrawn = []
    monkeypatch.setattr(front, "withdraw", lambda held, why="left": withdrawn.append(held))
    connection = Connection(front)
    worker_broker = kit.worker_broker()
    claim = await claimed(worker_broker)
    worker_broker.settle_and_claim(answer(claim, aborted=aborted), claim=False)
    await connection.end()
    assert connection.sent[0]["status"] == 200
    assert (withdrawn, held_by_broker(kit, front)) == ([], 0)


async def test_a_refusal_of_the_broker_is_not_answered_with_a_withdrawal(kit, front, monkeypatch):
    withdrawn = []
    monkeypatch.setattr(front, "withdraw", lambda held, why="left": withdrawn.append(held))
    connection = Connection(front)
    worker_broker = kit.worker_broker()
    claim = await claimed(worker_broker)
    worker_broker.settle_and_claim(Settlement(claim, "bad_response"), claim=False)
    await connection.end()
    assert (connection.sent[0]["status"], withdrawn) == (502, [])


async def test_a_large_body_whose_request_is_never_sent_leaves_nothing(kit, front, monkeypatch):
    """It is kept; the request can't be encoded, and does not follow."""

    def fail(head):
        raise RuntimeError("It can't be encoded.")

    monkeypatch.setattr("queueproxy.broker.encoded_request.encoded_head", fail)
    connection = Connection(front, body=b"x" * (2 << 20), max_body=4 << 20)
    await connection.end()
    assert (front.memory.requests, front.spool.used) == (0, 0)
    assert (kit.counters().bytes, kit.left()) == (0, {"front", "fronts"})


async def test_a_large_body_whose_client_leaves_before_the_request_is_sent(kit, front):
    with front.memory.reservation() as memory:
        kept = KeptBody(front.spool, memory)
        kept.append(b"x" * INLINE)
        request = kit.encoded_request(front.id, "big", body=b"x" * INLINE, piece_size=INLINE)
        with front.hold(request, memory, kept):
            assert front.memory.requests > INLINE
        assert front.memory.requests == 0
    await eventually(lambda: (kit.counters().bytes, kit.left()) == (0, {"front", "fronts"}))
    assert kit.counters().waiting == 0
