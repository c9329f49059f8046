"""A front's memory stays within FRONT_MEMORY, whatever a crowd of clients does (P8)."""

import asyncio
import contextlib
import os
import socket

import pytest

from queueproxy.broker.worker_broker import WorkerBroker
from queueproxy.envelopes import Frame, ReplyHead
from queueproxy.servers.common.limits import UNREAD
from queueproxy.setting_rules import HEAD_ROOM

from ..brokers import BrokerKit, answer
from ..kit.proc import memory
from ..kit.waiting import wait_until

MIB = 1024 * 1024
BUDGET = 32 * MIB
LARGEST = BUDGET // 2 - HEAD_ROOM  # bytes of a body
SPARE = 64 * MIB  # beside the budget: connections, tasks, what is under way
FRAME = 256 * 1024
CROWD = int(os.environ.get("QUEUEPROXY_TEST_CROWD", "520"))  # clients; 2000 for a whole load
READERS = CROWD // 4


class Crowd(contextlib.ExitStack):
    """Clients that have said so much and no more."""

    def __init__(self, port: int):
        super().__init__()
        self._port = port
        self.clients: list[socket.socket] = []

    def join(self, raw: bytes, *, buffer: int | None = None) -> None:
        """One more client sends this, as far as it is taken.

        Args:
            raw: bytes.
            buffer: bytes of the kernel's for what it is sent.
        """
        client = self.enter_context(socket.socket())
        if buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(20)
        client.connect(("127.0.0.1", self._port))
        with contextlib.suppress(TimeoutError, ConnectionError):
            client.sendall(raw)
        client.setblocking(False)
        self.clients.append(client)

    def answered(self, status: int) -> int:
        """How many have an answer of this status."""
        start = b"HTTP/1.1 %d" % status
        return sum(_begins_with(client, start) for client in self.clients)


def _begins_with(client: socket.socket, words: bytes) -> bool:
    with contextlib.suppress(BlockingIOError, ConnectionError):
        return client.recv(64, socket.MSG_PEEK).startswith(words)
    return False


@pytest.fixture
def small_site(make_site):
    # Without a spool: what does not fit into memory is refused.
    return make_site(FRONT_MEMORY=BUDGET, FRONT_SPOOL=0, MAX_BODY=LARGEST, SIGNING=False)


@pytest.fixture
def kit(broker):
    """The other side of the broker: no worker of the site's is needed to see a front's memory."""
    kit = BrokerKit(broker.url, namespace="queueproxy", lease=60, memory=1 << 30)
    yield kit
    asyncio.run(kit.close())


def head(method: str, *headers: bytes) -> bytes:
    lines = [b"%s /run/crowd/ HTTP/1.1" % method.encode(), b"Host: localhost", *headers, b"", b""]
    return b"\r\n".join(lines)


def test_uploads_that_stall(small_site, kit):
    front = small_site.front()
    base = memory(front.pid)
    size = 244 * 1000
    with Crowd(small_site.port) as crowd:
        for _ in range(CROWD):
            crowd.join(head("POST", b"Content-Length: %d" % (size + 1)) + b"x" * size)
        wait_until(lambda: crowd.answered(503) > CROWD - BUDGET // size)
        assert memory(front.pid, "VmHWM") - base < BUDGET + SPARE
        see_an_honest_one_served(small_site, kit)


def see_an_honest_one_served(site, kit: BrokerKit) -> None:
    """It is held until a worker comes, and not refused."""
    pending = site.in_background("GET", "/run/honest/")
    wait_until(lambda: site.queue()["depth"] == 1)
    answer_next(kit.worker_broker())
    assert pending.result().text == "ok"


def answer_next(worker: WorkerBroker) -> None:
    """Run the request that is next, as a worker would."""
    claim = wait_until(lambda: worker.settle_and_claim(None))
    worker.settle_and_claim(answer(claim), claim=False)


def test_heads_without_an_end(small_site, kit):
    front = small_site.front()
    base = memory(front.pid)
    with Crowd(small_site.port) as crowd:
        for _ in range(CROWD):
            crowd.join(head("GET", b"X: " + b"x" * 60_000)[:-4])
        wait_until(lambda: crowd.answered(503) >= CROWD - UNREAD // 60_000)
        assert memory(front.pid, "VmHWM") - base < BUDGET + SPARE
        see_an_honest_one_served(small_site, kit)


def test_requests_sent_ahead(small_site, kit):
    """What is ahead of an answer is given up; the request itself is not."""
    front = small_site.front()
    base = memory(front.pid)
    with Crowd(small_site.port) as crowd:
        for _ in range(CROWD):
            crowd.join(head("GET") + head("GET", b"X: " + b"x" * 60_000))
        wait_until(lambda: small_site.queue()["depth"] == CROWD)
        assert memory(front.pid, "VmHWM") - base < BUDGET + UNREAD + SPARE
        worker = kit.worker_broker()
        for _ in range(CROWD):
            answer_next(worker)
        wait_until(lambda: crowd.answered(200) == CROWD)


def test_heads_of_held_requests(small_site, kit):
    front = small_site.front()
    base = memory(front.pid)
    with Crowd(small_site.port) as crowd:
        for _ in range(CROWD):
            crowd.join(head("GET", b"X: " + b"x" * 60_000))
        wait_until(lambda: crowd.answered(503) + small_site.queue()["depth"] == CROWD)
        assert crowd.answered(503) > CROWD // 2
        assert memory(front.pid, "VmHWM") - base < BUDGET + SPARE
    wait_until(lambda: small_site.queue()["depth"] == 0)
    see_an_honest_one_served(small_site, kit)  # there is room again


def test_clients_that_take_nothing(small_site, kit):
    front = small_site.front(PROBE_CLIENT_SLACK="600")  # nobody is cut for its slowness alone
    base = memory(front.pid)
    with Crowd(small_site.port) as crowd:
        for _ in range(READERS):
            crowd.join(head("GET"), buffer=4096)
        wait_until(lambda: small_site.queue()["depth"] == READERS, "all wait", timeout=60)
        registration = kit.registration()
        for number in range(READERS):
            answer_in_part(kit.worker_broker(registration, number))
        wait_until(lambda: held(small_site) < READERS, "some are cut", timeout=60)
        assert memory(front.pid, "VmHWM") - base < BUDGET + SPARE
        wait_until(lambda: bytes_in(kit) < 64 * MIB, "the front reads on", timeout=60)
        honest = small_site.in_background("GET", "/run/honest/")
        answer_next(kit.worker_broker())
        assert honest.result().text == "ok"
        assert held(small_site) > 0  # who fits in is not cut
    wait_until(lambda: held(small_site) == 0, "nobody is held", timeout=60)


def answer_in_part(worker: WorkerBroker) -> None:
    """So much of an answer that the kernel's buffers, which take a few megabytes, are full."""
    claim = wait_until(lambda: worker.settle_and_claim(None))
    for seq in range(32):
        status = 0 if seq else 200
        reply = ReplyHead(claim.id, claim.attempt, seq, status=status, more=True)
        if not worker.push(claim, Frame(reply, b"x" * FRAME)):
            return


def bytes_in(kit: BrokerKit) -> int:
    """What stands in the broker; a lot of it keeps requests out."""
    return int(kit.client.hget(kit.keys.state, "bytes") or 0)


def held(site) -> int:
    return sum(front["held"] for front in site.status()["fronts"])
