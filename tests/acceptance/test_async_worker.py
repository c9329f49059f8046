"""A worker with an event loop, as users meet it."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from ..kit.waiting import wait_until

URLS = {"PROBE_URLCONF": "tests.acceptance.probe.async_urls"}
SOON = 10.0  # seconds, on a busy machine


class Stream:
    """A client of one stream of events, on a connection of its own."""

    def __init__(self, site, nonce: str, every: float = 10.0):
        self._socket = socket.create_connection(("127.0.0.1", site.port), 60)
        path = f"/events/{nonce}/?every={every}"
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        self.seen = b""

    def wait_for(self, words: bytes) -> None:
        """Read until these words have come."""
        while words not in self.seen:
            piece = self._socket.recv(65536)
            assert piece, self.seen
            self.seen += piece

    def ends(self) -> bool:
        """Read to the end; whether it is a clean one (RFC 9112, 7.1)."""
        try:
            while piece := self._socket.recv(65536):
                self.seen += piece
        except ConnectionResetError:
            return False
        return self.seen.endswith(b"0\r\n\r\n")

    def leave(self) -> float:
        """Close the connection; when that was."""
        self._socket.close()
        return time.monotonic()


def leave(streams: list[Stream]) -> None:
    """Close their connections."""
    for stream in streams:
        stream.leave()


def ends(site, nonce: str, how: str) -> float:
    """When a view was told to end, by the ledger."""
    lines = wait_until(lambda: site.runs(f"{nonce}-{how}"), f"the end of {nonce}", 30)
    assert len(lines) == 1
    return float(lines[0].split()[1])


def test_fifty_views_of_a_second_take_little_more_than_one(site):
    site.front()
    site.workers("--async", "50", **URLS)
    assert site.get("/wait/first/").status_code == 200
    clients = [socket.create_connection(("127.0.0.1", site.port), 60) for _ in range(50)]
    began = time.monotonic()
    for number, client in enumerate(clients):
        client.sendall(f"GET /wait/v{number}/?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    for number, client in enumerate(clients):
        answer = b""
        while not answer.endswith(f"v{number}".encode()):
            piece = client.recv(65536)
            assert piece, answer
            answer += piece
        assert answer.startswith(b"HTTP/1.1 200 ")
    seconds = time.monotonic() - began
    for client in clients:
        client.close()
    print(f"fifty views of one second: {seconds:.2f} s")
    assert seconds < 25  # one after another they would take fifty
    assert len({line.split()[2] for line in site.runs()}) == 1


def test_a_silent_stream_ends_when_its_client_leaves(site):
    site.front()
    site.workers("--async", "60", **URLS)
    late = []
    with ThreadPoolExecutor(10) as pool:
        for first in range(0, 50, 10):
            names = [f"s{n}" for n in range(first, first + 10)]
            streams = list(pool.map(lambda name: Stream(site, name, every=600), names))
            for stream in streams:
                stream.wait_for(b": begins")
            left = [stream.leave() for stream in streams]
            late += [ends(site, n, "closed") - at for n, at in zip(names, left, strict=True)]
    print(f"closed after {sorted(late)[25]:.3f} s (median), {max(late):.3f} s (the latest of 50)")
    assert sorted(late)[25] < 2.0
    assert max(late) < SOON
    wait_until(lambda: site.queue()["in_flight"] == 0, "nothing runs")


def test_a_view_that_waits_is_cancelled_when_its_client_leaves(site):
    site.front()
    site.workers("--async", "4", **URLS)
    client = socket.create_connection(("127.0.0.1", site.port))
    client.sendall(b"GET /wait/w/?seconds=60 HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: site.runs("w"))
    client.close()
    left = time.monotonic()
    assert ends(site, "w", "cancelled") - left < SOON
    wait_until(lambda: site.queue()["in_flight"] == 0, "nothing runs")


def test_a_reload_under_streams(site):
    """Each is broken off for its client to see, and taken up again by the new process."""
    site.front()
    supervisor = site.workers("--async", "150", "--stream-grace", "0.5", **URLS)
    streams = [Stream(site, f"s{n}", every=0.2) for n in range(100)]
    for stream in streams:
        stream.wait_for(b"id: 2\n")
    old = site.status()["workers"][0]["pid"]
    began = time.monotonic()
    supervisor.send_signal(signal.SIGHUP)
    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(Stream.ends, streams)) == [False] * 100
        leave(streams)
        again = list(pool.map(lambda n: Stream(site, f"again{n}", every=0.2), range(100)))
        list(pool.map(lambda stream: stream.wait_for(b"id: 1\n"), again))
    print(f"all hundred were served again {time.monotonic() - began:.2f} s after the signal")
    wait_until(lambda: [w["pid"] for w in site.status()["workers"]] != [old], "the old one ends")
    wait_until(lambda: len(site.status()["workers"]) == 1, "the old one is gone")
    assert {line.split()[2] for n in range(100) for line in site.runs(f"again{n}")} != {str(old)}
    leave(again)


def test_other_requests_are_served_beside_streams(site):
    site.front()
    site.workers("--async", "30", **URLS)
    streams = [Stream(site, f"s{n}", every=0.05) for n in range(20)]
    for stream in streams:
        stream.wait_for(b": begins")
    assert [site.get(f"/run/r{n}/").status_code for n in range(20)] == [200] * 20
    assert [site.get(f"/wait/w{n}/").status_code for n in range(20)] == [200] * 20
    leave(streams)
