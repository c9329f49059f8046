"""Large bodies from real sockets that stall, leave, or meet a broker that is away."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from ..waiting import wait_until

FIRST = 300_000  # bytes: more than one chunk takes
PART = b"x" * FIRST


@contextlib.contextmanager
def upload(site, size: int):
    """A connection on which an upload of so many bytes has begun."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as client:
        lines = ["POST /run/up/ HTTP/1.1", "Host: localhost", f"Content-Length: {size}", "", ""]
        client.sendall("\r\n".join(lines).encode())
        yield client


def staged(broker) -> list[str]:
    return broker.client().keys("*:body:*")


def connections(site) -> int:
    """How many sockets of its clients the front has open, those that the client closed included."""
    states = ("01", "08")  # established, close wait (Linux, include/net/tcp_states.h)
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{site.port:04X}") and row[3] in states for row in rows)


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
        wait_until(lambda: staged(broker))
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 2.5)
        client.sendall(b"x")
        wait_until(lambda: site.queue()["enqueued_total"] == 1)
    assert site.queue()["enqueued_total"] == 1


def test_a_broker_that_is_away_is_told(make_site, broker, frozen):
    site = make_site(MAX_HOLD=2, LEASE=1)
    site.front()
    frozen()
    with upload(site, FIRST) as client:
        client.sendall(PART)
        assert client.recv(12) == b"HTTP/1.1 503"


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
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as client:
        client.sendall(b"POST /run/half/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        wait_until(lambda: site.get("/-/livez"))  # by then the head has been read
        front.terminate()
        head = client.recv(65536)
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after:" in head.lower()
    assert front.wait(20) == 0


def test_a_front_that_stops_without_a_broker_says_that_nothing_ran(site):
    front = site.front("--graceful-timeout", "0.5")
    site.broker.kill()
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as client:
        client.sendall(b"GET /run/unsent/ HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: site.get("/-/livez"))
        front.terminate()
        assert client.recv(65536).startswith(b"HTTP/1.1 503 ")
    site.broker.revive()
