"""Large bodies from real sockets: whole, and when somebody stalls, leaves or dies half-way.

The sizes are those of a quick run; QUEUEPROXY_TEST_UPLOAD (MiB), _UPLOADS and _KILLS make it a
load.
"""

import contextlib
import hashlib
import os
import random
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis

from queueproxy.setting_rules import HEAD_ROOM

from ..kit.proc import memory
from ..kit.waiting import wait_until

FIRST = 300_000  # bytes: more than goes with a request
PART = b"x" * FIRST
MIB = 1024 * 1024
FITS = 2 * MIB - HEAD_ROOM  # bytes of a body, where a front has 4 MiB and no spool
LARGEST = int(os.environ.get("QUEUEPROXY_TEST_UPLOAD", "96")) * MIB
AT_ONCE = int(os.environ.get("QUEUEPROXY_TEST_UPLOADS", "12"))
EACH = 20 * MIB if AT_ONCE >= 50 else 5 * MIB
KILLS = int(os.environ.get("QUEUEPROXY_TEST_KILLS", "1"))
MOST_GROWTH = 32 * MIB
BLOCK = random.Random(1).randbytes(MIB)
PUT = {"RETRY_METHODS": ["GET", "PUT"], "LEASE": 2}

# Where the answer does not depend on who speaks HTTP: a worker's or the broker's business.
one_server = pytest.mark.parametrize("server", ["uvicorn"], indirect=True)


@contextlib.contextmanager
def upload(site, size: int, *headers: str):
    """A connection on which an upload of so many bytes has begun."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
        lines = ["POST /run/up/ HTTP/1.1", "Host: localhost", f"Content-Length: {size}"]
        lines += [*headers, "", ""]
        client.sendall("\r\n".join(lines).encode())
        yield client


def blocks(size: int, seed: int = 0):
    """A body of so many bytes, no two blocks of it alike."""
    for at in range(0, size, MIB):
        yield (b"%d %d " % (seed, at) + BLOCK)[: min(MIB, size - at)]


def digest_of(size: int, seed: int = 0) -> str:
    found = hashlib.sha256()
    for block in blocks(size, seed):
        found.update(block)
    return found.hexdigest()


def send(site, path: str, size: int, *, method: str = "POST", seed: int = 0) -> httpx.Response:
    headers = {"Content-Length": str(size)}
    body = blocks(size, seed)
    options = {"headers": headers, "timeout": 120}
    return httpx.request(method, site.url + path, content=body, **options)


def pieces(broker) -> list[str]:
    return broker.client().keys("*:piece:*")


def bytes_in(broker) -> int:
    return int(broker.client().hget("{queueproxy}:state", "bytes") or 0)


def connections(site) -> int:
    """How many sockets of its clients the front has open, those that the client closed included."""
    states = ("01", "08")  # established, close wait (Linux, include/net/tcp_states.h)
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{site.port:04X}") and row[3] in states for row in rows)


def see_nothing_left(broker) -> None:
    """Neither a request nor a piece of a body."""
    wait_until(lambda: bytes_in(broker) == 0)
    wait_until(lambda: pieces(broker) == [])


@pytest.fixture
def frozen(broker):
    """Freezes the broker when called; it goes on at the end."""
    yield broker.freeze
    broker.thaw()


def test_a_body_that_stalls_for_longer_than_the_hold(make_site, broker):
    site = make_site(MAX_HOLD=1, LEASE=0.5)
    site.front()
    with upload(site, FIRST + 1) as client:
        client.sendall(PART)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 2.5)
        client.sendall(b"x")
        wait_until(lambda: site.queue()["enqueued_total"] == 1)
    assert site.queue()["enqueued_total"] == 1


def test_a_broker_that_is_away_is_told(make_site, broker, frozen):
    """503 where the request was not sent; 504 where it may have been, before that was noticed."""
    site = make_site(MAX_HOLD=2, LEASE=1)
    site.front()
    frozen()
    with upload(site, FIRST) as client:
        client.sendall(PART)
        assert client.recv(12) in (b"HTTP/1.1 503", b"HTTP/1.1 504")


def test_a_client_that_leaves_while_the_broker_is_away(site, frozen):
    site.front()
    wait_until(lambda: connections(site) == 0)
    frozen()
    with upload(site, FIRST * 2) as client:
        client.sendall(PART)
        wait_until(lambda: connections(site) == 1)
    wait_until(lambda: connections(site) == 0)


def test_a_front_that_stops_in_the_middle_of_a_body_says_that_nothing_ran(site):
    front = site.front("--graceful-timeout", "0.5")
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
        client.sendall(b"POST /run/half/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        wait_until(lambda: site.get("/-/livez"))  # by then the head has been read
        front.terminate()
        head = client.recv(65536)
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after:" in head.lower()
    assert front.wait(60) == 0


def test_a_front_that_stops_without_a_broker_says_that_nothing_ran(site):
    front = site.front("--graceful-timeout", "0.5")
    site.broker.kill()
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as client:
        client.sendall(b"GET /run/unsent/ HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: site.get("/-/livez"))
        front.terminate()
        assert client.recv(65536).startswith(b"HTTP/1.1 503 ")
    site.broker.revive()


def test_a_large_body_costs_nobody_memory(make_site, broker):
    site = make_site(MAX_BODY=LARGEST, MAX_MEMORY=8 * MIB, MAX_DEPTH=100)
    front, supervisor = site.front(), site.workers()
    (worker,) = site.status()["workers"]
    assert send(site, "/digest/warm-up/", 4 * MIB).text == digest_of(4 * MIB)
    server = broker.client().info()["process_id"]
    pids = {"front": front.pid, "worker": worker["pid"], "broker": server}
    before = {name: memory(pid) for name, pid in pids.items()}
    answer = send(site, "/digest/large/", LARGEST)
    growth = {name: memory(pid, "VmHWM") - before[name] for name, pid in pids.items()}
    assert (answer.status_code, answer.text) == (200, digest_of(LARGEST))
    assert max(growth.values()) < MOST_GROWTH, growth
    assert supervisor.poll() is None
    see_nothing_left(broker)


def test_many_at_once_within_the_limits(make_site, broker):
    """Who has no room is refused cleanly, and the others are not disturbed."""
    room = AT_ONCE // 2 * EACH
    site = make_site(MAX_BODY=EACH, FRONT_SPOOL=room, FRONT_MEMORY=8 * MIB, MAX_MEMORY=8 * MIB)
    site.front()
    site.workers("--threads", "4")

    def ask(number: int) -> tuple[int, bool]:
        try:
            answer = send(site, f"/digest/n{number}/", EACH, seed=number)
        except (httpx.WriteError, httpx.ReadError):  # refused while it still sent
            return 503, True
        right = answer.text == digest_of(EACH, number)
        return answer.status_code, right or "retry-after" in answer.headers

    with ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(ask, range(AT_ONCE)))
    assert {status for status, _ in answers} <= {200, 503}
    assert all(right for _, right in answers)
    assert sum(status == 200 for status, _ in answers) >= AT_ONCE // 3
    assert send(site, "/digest/after/", EACH).text == digest_of(EACH)
    see_nothing_left(broker)


@one_server
@pytest.mark.parametrize("read", [0, 1, 100_000])
def test_a_view_that_reads_nothing_or_a_little(serving, read):
    wanted = hashlib.sha256(b"".join(blocks(4 * MIB))[:read]).hexdigest()
    assert send(serving, f"/digest/a/?read={read}", 4 * MIB).text == wanted
    see_nothing_left(serving.broker)


@one_server
def test_workers_that_are_killed_half_way(make_site, broker):
    """What may be repeated is, with its body; what may not gets an honest 502."""
    site = make_site(**PUT)
    site.front()
    site.workers("--threads", "2")
    for number in range(KILLS):
        size = 3 * MIB + number
        repeated = send(site, f"/digest/put{number}/?die", size, method="PUT")
        assert (repeated.status_code, repeated.text) == (200, digest_of(size))
        assert len(site.runs(f"put{number}")) == 2
        lost = send(site, f"/digest/post{number}/?die", size)
        assert lost.status_code == 502
        assert len(site.runs(f"post{number}")) == 1
    assert send(site, "/digest/next/", MIB).text == digest_of(MIB)
    see_nothing_left(broker)


@one_server
def test_a_front_that_is_killed_while_its_body_is_read(make_site, broker):
    site = make_site(LEASE=0.5)
    front = site.front()
    site.workers()
    with ThreadPoolExecutor(1) as client:
        sending = client.submit(send, site, "/read-slowly/slow/", 8 * MIB)
        wait_until(lambda: site.runs("slow"))
        os.killpg(front.pid, signal.SIGKILL)
        assert isinstance(sending.exception(20), httpx.TransportError)
    wait_until(lambda: not site.status()["fronts"])
    site.ledger.with_name("slow").touch()  # now it reads on: the front is gone
    wait_until(lambda: site.queue()["in_flight"] == 0)
    see_nothing_left(broker)
    site.front()
    assert send(site, "/digest/next/", MIB).text == digest_of(MIB)


@one_server
def test_a_front_that_is_killed_while_it_takes_a_body_in(make_site, broker):
    site = make_site(LEASE=0.5)
    front = site.front()
    with upload(site, 8 * MIB) as client:
        client.sendall(PART * 5)
        os.killpg(front.pid, signal.SIGKILL)
        with contextlib.suppress(ConnectionError):
            assert client.recv(100) == b""
    left = {key.rpartition("}:")[2].partition(":")[0] for key in broker.client().keys("*")}
    assert left <= {"state", "fronts", "front", "history"}
    assert bytes_in(broker) == 0


@one_server
def test_a_broker_that_is_restarted_half_way(make_site, broker):
    """What may be repeated is run again, with its body, though the broker has forgotten all."""
    site = make_site(**PUT)
    site.front()
    site.workers()
    with ThreadPoolExecutor(1) as client:
        sending = client.submit(send, site, "/read-slowly/again/", 8 * MIB, method="PUT")
        wait_until(lambda: site.runs("again"))
        broker.kill()
        broker.revive()
        site.ledger.with_name("again").touch()
        answer = sending.result(60)
    assert (answer.status_code, answer.text) == (200, str(8 * MIB))
    assert len(site.runs("again")) == 2
    with contextlib.suppress(redis.RedisError):
        wait_until(lambda: bytes_in(broker) == 0)
    wait_until(lambda: pieces(broker) == [])


@pytest.mark.parametrize("has_length", [True, False])
def test_the_largest_body_that_the_settings_allow_is_taken(make_site, has_length):
    site = make_site(MAX_BODY=FITS, FRONT_SPOOL=0, FRONT_MEMORY=4 * MIB)
    site.front()
    site.workers()
    body = b"x" * FITS
    content = body if has_length else iter((body[:100_000], body[100_000:]))
    answer = httpx.post(f"{site.url}/run/b/", content=content, timeout=60)
    assert (answer.status_code, answer.text) == (200, f"b {FITS} 1")


def test_no_room_is_said_before_the_body_is_asked_for(make_site):
    site = make_site(MAX_BODY=FITS, FRONT_SPOOL=0, FRONT_MEMORY=4 * MIB)
    site.front()

    def begun(size: int) -> bytes:
        with upload(site, size, "Expect: 100-continue") as client:
            return client.recv(12)

    assert begun(2 * MIB - 200_000) == b"HTTP/1.1 100"
    assert begun(FITS + 1) == b"HTTP/1.1 413"
    with upload(site, MIB) as stalled:
        stalled.sendall(PART * 2)
        assert stalled.fileno() > 0
        wait_until(lambda: begun(2 * MIB - 200_000) == b"HTTP/1.1 503")
        assert begun(MIB) == b"HTTP/1.1 100"  # what has not come yet is not booked
    wait_until(lambda: begun(2 * MIB - 200_000) == b"HTTP/1.1 100")
