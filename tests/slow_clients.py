"""Slow clients by the thousand, and honest ones beside them (slowhttptest; readers of our own).

    python -m tests.slow_clients

Each attack runs on a site of its own, under both servers, for half a minute. Meanwhile an honest
client asks on and on. Wanted: its 99th percentile stays below half a second, each of its requests
is answered 200, and 30 s after the attack the front has as few descriptors as before.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from .acceptance.site import Site
from .kit.broker_server import BrokerServer
from .kit.proc import descriptors

CONNECTIONS = 1000
SECONDS = 30
P99 = 0.5  # seconds
REST_WITHIN = 30.0  # seconds
PAGE = "/page/slow/?size=150000"

Attack = Callable[[str], subprocess.Popen]


def slowhttptest(*options: str) -> Attack:
    """Let slowhttptest attack, with 200 new connections a second."""
    common = ("-c", str(CONNECTIONS), "-l", str(SECONDS), "-r", "200", "-p", "5", "-v", "0")

    def start(url: str) -> subprocess.Popen:
        path = PAGE if "-X" in options else "/run/slow/"
        words = ["slowhttptest", *options, *common, "-u", url + path]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL)

    return start


def readers(url: str) -> subprocess.Popen:
    """Let clients ask for a page and take nothing of it."""
    port = url.rpartition(":")[2]
    return subprocess.Popen([sys.executable, "-m", "tests.slow_clients", "readers", port])


ATTACKS = {
    "headers (-H)": slowhttptest("-H", "-i", "10"),
    "body (-B)": slowhttptest("-B", "-i", "10", "-s", "8192"),
    "read (-X)": slowhttptest("-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32"),
    "readers of nothing": readers,
}


async def take_nothing(port: int) -> None:
    """Hold connections open that ask and never read."""
    with contextlib.ExitStack() as connections:
        for _ in range(CONNECTIONS):
            client = connections.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(f"GET {PAGE} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            await asyncio.sleep(1 / 200)
        await asyncio.sleep(SECONDS - CONNECTIONS / 200)


def honest(url: str, attack: subprocess.Popen) -> tuple[list[float], list[int]]:
    """Ask while the attack lasts: seconds and statuses."""
    seconds, statuses = [], []
    with httpx.Client(timeout=30) as client:
        while attack.poll() is None:
            began = time.monotonic()
            try:
                statuses.append(client.get(url + "/run/honest/").status_code)
            except httpx.TransportError:
                statuses.append(0)
            seconds.append(time.monotonic() - began)
            time.sleep(0.02)
    return sorted(seconds), statuses


@contextlib.contextmanager
def running(server: str) -> Iterator[tuple[Site, int]]:
    """Start a site with two workers of four threads each; its front's process id."""
    with tempfile.TemporaryDirectory() as directory:
        broker = BrokerServer().start()
        site = Site(Path(directory), broker, server)
        try:
            front = site.front()
            site.workers("--processes", "2", "--threads", "4")
            yield site, front.pid
        finally:
            site.stop()
            broker.stop()


def run(server: str, name: str) -> bool:
    """Run one attack, print what was seen; whether all is as wanted."""
    with running(server) as (site, pid):
        site.get("/run/first/")
        before = descriptors(pid)
        seconds, statuses = honest(site.url, ATTACKS[name](site.url))
        ended = time.monotonic()
        while descriptors(pid) > before + 2 and time.monotonic() < ended + REST_WITHIN:
            time.sleep(0.2)
        rest, left = time.monotonic() - ended, descriptors(pid) - before
        queue = site.queue()
    p99 = seconds[int(len(seconds) * 0.99)]
    bad = [status for status in statuses if status != 200]
    good = p99 < P99 and not bad and left <= 2 and queue["depth"] == queue["in_flight"] == 0
    print(
        f"{server:8} {name:20} honest {len(seconds):5}, p50 {seconds[len(seconds) // 2]:.3f} s, "
        f"p99 {p99:.3f} s, worst {seconds[-1]:.3f} s, not 200: {len(bad)}; at rest after "
        f"{rest:.1f} s, {left} descriptors more; {'good' if good else 'BAD'}",
        flush=True,
    )
    return good


def main(words: list[str]) -> int:
    """Run every attack, or be the readers of one."""
    if words[:1] == ["readers"]:
        asyncio.run(take_nothing(int(words[1])))
        return 0
    results = [run(server, name) for server in ("daphne", "uvicorn") for name in ATTACKS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
