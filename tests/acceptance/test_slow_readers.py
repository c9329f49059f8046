"""No client keeps a worker thread by not reading its answer (P8)."""

import contextlib
import socket
import struct
import threading
import time

import pytest

from ..kit.waiting import wait_until

SLACK = 1.0  # seconds, of the front under test
RATE = 16 * 1024  # bytes a second
LIMIT = SLACK + 64 * 1024 / RATE  # seconds until one that takes nothing is cut
LOST = 20.0  # seconds a busy machine may add to what is asked of it
LARGE = "/stream/{}/?size=300000&count=100"  # 30 MB


@pytest.fixture
def front(site):
    process = site.front(PROBE_CLIENT_SLACK=str(SLACK), PROBE_CLIENT_MIN_RATE=str(RATE))
    site.workers("--threads", "2")
    return process


@contextlib.contextmanager
def asking(site, path: str, version: str = "1.1"):
    """A connection on which an answer is on its way, and little of it fits into the system."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", site.port))
        client.settimeout(LIMIT + LOST)
        client.sendall(f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        yield client


def is_reset(client: socket.socket) -> bool:
    """Whether the connection ends so, with whatever has come before."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_clients_that_read_nothing_keep_no_thread(site, front, version):
    with (
        asking(site, LARGE.format("a"), version) as a,
        asking(site, LARGE.format("b"), version) as b,
    ):
        wait_until(lambda: len(site.runs()) == 2, "both run")
        began = time.monotonic()
        assert site.get("/run/other/").status_code == 200
        waited = time.monotonic() - began
        assert SLACK < waited < LIMIT + LOST  # else nobody was in the way
        wait_until(lambda: site.queue()["in_flight"] == 0, "both threads are free")
        assert is_reset(a)
        assert is_reset(b)
    told = front.log.read_text()
    assert told.count("takes too little") == 2
    assert "Traceback" not in told


def test_they_do_not_hold_up_a_pause(site, front):
    with asking(site, LARGE.format("a")), asking(site, LARGE.format("b")):
        wait_until(lambda: site.queue()["in_flight"] == 2, "both run")
        done = site.run("queueproxy", "pause", "--wait", "--timeout", str(int(LIMIT + LOST)))
        assert done.returncode == 0
        assert site.queue()["in_flight"] == 0


def test_a_slow_client_above_the_rate_is_not_cut(site, front):
    """Four times the rate, for three times as long as one may take nothing."""
    with asking(site, LARGE.format("slow")) as client:
        until, pause, took = time.monotonic() + 3 * LIMIT, threading.Event(), 0
        while time.monotonic() < until:
            data = client.recv(4096)
            assert data, "it was cut"
            took += len(data)
            pause.wait(len(data) / (4 * RATE))
        assert took > 2 * RATE * LIMIT
        assert site.queue()["in_flight"] == 1
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: site.queue()["in_flight"] == 0, "its thread is free")
