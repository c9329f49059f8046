"""Limits of time, of number and of memory, each at its edge; the same under both servers."""

import contextlib
import select
import socket
import time

import pytest

from queueproxy.servers import SERVERS

from ..integration.serving import PATIENCE, Client, Served, serving
from ..kit.proc import cpu_seconds, descriptors
from ..kit.waiting import wait_until
from .cases import chunked, get, post
from .wire import Bystander

MIB = 1024 * 1024

pytestmark = pytest.mark.parametrize("server", SERVERS)


@contextlib.contextmanager
def limited(server: str, **limits):
    with serving(server, module="tests.hostile.app", limits=limits) as served:
        yield served
        assert "Traceback" not in "".join(served.output)


def closes_after(client: Client) -> float:
    """Seconds until the server closes, having said nothing."""
    began = time.monotonic()
    assert client.until_closed() == b""
    return time.monotonic() - began


# Time


def test_a_head_has_its_time_and_drops_buy_no_more(server):
    with (
        limited(server, HEADERS_WITHIN=0.6) as served,
        socket.create_connection(served.address) as connection,
    ):
        began = time.monotonic()
        connection.sendall(b"GET /a HTTP/1.1\r\nX: ")
        while not select.select([connection], [], [], 0.05)[0]:
            assert time.monotonic() < began + 10
            connection.sendall(b"x")
        assert connection.recv(12) == b"HTTP/1.1 408"
        assert time.monotonic() > began + 0.5


def test_a_connection_that_asks_nothing_is_closed_without_a_word(server):
    with limited(server, HEADERS_WITHIN=0.5) as served, served.client() as client:
        assert 0.4 < closes_after(client) < 10


@pytest.mark.parametrize("raw", [get(), post(b"abc"), chunked(b"3\r\nabc\r\n0\r\n\r\n")])
def test_an_idle_connection_lives_as_long_as_it_may(server, raw):
    with limited(server, KEEP_ALIVE=5.0, HEADERS_WITHIN=3.0) as served, served.client() as client:
        for _ in range(2):  # a body comes in a packet of its own
            client.send(raw[:-3])
            bystander = Bystander(served.address)
            bystander.ask("/ping")
            bystander.close()
            assert client.send(raw[-3:]).reply().status == 200
        assert 4.5 < closes_after(client) < 12


def test_a_client_that_does_not_take_its_last_answer_is_cut(server):
    with limited(server, STALLED=1.5) as served:
        with served.client() as client:
            client.get("/ping").reply()
            before = descriptors(served.process.pid) - 1
        wait_until(lambda: descriptors(served.process.pid) == before)
        with socket.create_connection(served.address) as connection:
            connection.sendall(get("/large", b"Connection: close"))
            wait_until(lambda: descriptors(served.process.pid) > before)
            wait_until(lambda: descriptors(served.process.pid) == before)


# Number


def held(served: Served) -> Client:
    client = served.client().get("/hold")
    served.says("held GET /hold")
    return client


def test_past_the_number_of_connections_who_waits_longest_goes(server):
    with limited(server, MAX_CONNECTIONS=4) as served, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(served.client()) for _ in range(4)]
        for client in reversed(idle):
            assert client.get("/a").reply().status == 200
        with served.client() as newcomer:
            assert newcomer.get("/a").reply().status == 200
            assert idle[3].until_closed() == b""
            for client in idle[:3]:
                assert client.get("/a").reply().status == 200


def test_where_all_are_at_work_the_newcomer_is_told(server):
    with limited(server, MAX_CONNECTIONS=3) as served, contextlib.ExitStack() as stack:
        working = [stack.enter_context(held(served)) for _ in range(2)]
        with served.client() as last:  # at the limit
            assert last.get("/a").reply().status == 200
        working.append(stack.enter_context(held(served)))
        with served.client() as newcomer:
            reply = newcomer.reply()
            assert reply.status == 503
            assert reply.headers["retry-after"]
            assert reply.headers["connection"] == "close"
        served.says("counts front_full")
        working.pop().close()
        served.says("left GET /hold")
        bystander = Bystander(served.address)
        assert bystander.ask("/open") == b"open"
        bystander.close()
        for client in working:
            assert client.reply().status == 200


def test_a_thousand_heads_that_never_end_keep_nobody_out(server):
    with limited(server, MAX_CONNECTIONS=200) as served, contextlib.ExitStack() as stack:
        for _ in range(1000):
            slow = stack.enter_context(socket.create_connection(served.address))
            with contextlib.suppress(ConnectionError):
                slow.sendall(b"GET /slow HTTP/1.1\r\n")
        with served.client() as honest:
            assert honest.get("/a").reply().status == 200
        assert descriptors(served.process.pid) < 300


# Memory


def flood(served: Served, raw: bytes) -> tuple[float, int]:
    """Send as much of it as the server takes.

    Returns:
        the most that the server did before it answered a bystander, in seconds of its processor
        time, the same however busy the machine is; and by how many bytes memory grew.
    """
    bystander = Bystander(served.address)
    before = served.memory()
    pid, slowest, sent = served.process.pid, 0.0, 0
    with socket.create_connection(served.address) as connection:
        connection.settimeout(0.5)
        view = memoryview(raw)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while sent < len(raw):
                sent += connection.send(view[sent : sent + MIB])
                began = cpu_seconds(pid)
                bystander.ask("/ping")
                slowest = max(slowest, cpu_seconds(pid) - began)
        bystander.ask("/ping")
        grown = served.memory() - before
    bystander.close()
    return slowest, grown


def test_who_sends_too_far_ahead_gets_the_answer_in_hand_and_no_more(server):
    with limited(server, LOOK_EVERY=0.1) as served, held(served) as client:
        client.send(post(b"x" * 200_000), get("/b") * 700_000)  # more than buffers can hold
        bystander = Bystander(served.address)
        assert bystander.runs() == []
        bystander.ask("/open")
        reply = client.reply()
        assert reply.body == b"GET /hold"
        assert reply.headers["connection"] == "close"
        assert client.until_closed() == b""
        assert bystander.runs() == ["GET /hold"]
        bystander.close()


def test_who_sends_far_ahead_of_quick_answers_gets_them_all(server):
    with limited(server) as served, served.client() as client:
        client.send(get("/a"), post(b"x" * 250_000), get("/b"))
        bodies = [client.reply().body for _ in range(3)]
        assert bodies == [b"GET /a", b"POST /a 250000 bytes", b"GET /b"]


@pytest.mark.parametrize("first", ["/hold", "/a"])
def test_48_mb_of_pipelined_requests_delay_nobody(server, first):
    with limited(server) as served:
        raw = get(first) + get("/a") * (48 * MIB // len(get("/a")))
        slowest, grown = flood(served, raw)
        assert slowest < 0.5
        assert grown < 20 * MIB


@pytest.mark.parametrize(
    "trailers", [b"X: 1\r\n" * 7 * MIB, b"X: " + b"x" * 40 * MIB], ids=["many", "one"]
)
def test_40_mb_of_trailers_are_not_kept(server, trailers):
    with limited(server) as served:
        raw = chunked(b"0\r\n" + trailers)
        slowest, grown = flood(served, raw)
        assert slowest < 0.5
        assert grown < 20 * MIB


def test_40_mb_of_header_are_not_kept(server):
    with limited(server) as served:
        slowest, grown = flood(served, b"GET /a HTTP/1.1\r\nX: " + b"x" * (40 * MIB))
        assert slowest < 0.5
        assert grown < 20 * MIB


def test_answers_nobody_takes_hold_up_the_requests_behind(server):
    with limited(server) as served:
        before = served.memory()
        with socket.create_connection(served.address, timeout=PATIENCE) as connection:
            connection.sendall(get("/large") * 100)  # 400 MB, if all were made
            bystander = Bystander(served.address)
            runs = wait_until(bystander.runs)
            for _ in range(100):
                bystander.ask("/ping")
            runs += bystander.runs()
            bystander.close()
            assert len(runs) <= 4
            assert served.memory() - before < 30 * MIB


# HTTP/1.0


def test_to_http_1_0_a_stream_is_plain_and_ends_with_the_connection(server):
    with limited(server) as served, served.client() as client:
        raw = client.get("/stream", version="1.0").until_closed()
        head, _, body = raw.partition(b"\r\n\r\n")
        assert b"chunked" not in head.lower()
        assert b"connection: close" in head.lower()
        assert body == b"one two"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_stream_that_breaks_is_seen_to_be_broken(server, version):
    with serving(server, module="tests.hostile.app") as served, served.client() as client:
        client.get("/broken", version=version)
        if version == "1.0":
            with pytest.raises(ConnectionResetError):
                client.read(MIB)
        else:
            assert not client.until_closed().endswith(b"0\r\n\r\n")
