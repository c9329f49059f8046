"""An answer that is whole frees its thread, however slow its reader (P8), and is seen cut (P9)."""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from ..kit.waiting import wait_until
from .conftest import left_as_found

MIB = 1 << 20
SIZE = 50_000_000  # bytes
AT_ONCE = 20.0  # seconds, on a busy machine; a reader that holds a thread takes half a minute
LOST = 20.0  # seconds a busy machine may add


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "large"
    path.write_bytes(b"x" * SIZE)
    return path


@pytest.fixture(scope="module")
def paths(large_file):
    return {"page": f"/page/large/?size={SIZE}", "file": f"/file/large/?path={large_file}"}


@contextlib.contextmanager
def asking(site, path: str):
    """A connection on which an answer is on its way, and little of it fits into the system."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", site.port))
        client.settimeout(60)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        yield client


def rest(client: socket.socket) -> tuple[bytes, int, bool]:
    """The head, the bytes of the body, and whether the connection ended in order."""
    received, size = b"", 0
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
    try:
        while data := client.recv(1 << 20):
            if b"\r\n\r\n" not in received:
                received += data
                size = len(received.partition(b"\r\n\r\n")[2])
            else:
                size += len(data)
    except ConnectionResetError:
        return received.partition(b"\r\n\r\n")[0], size, False
    return received.partition(b"\r\n\r\n")[0], size, True


def spooled(front) -> int:
    """Bytes of the files without a name that a process has open."""
    total = 0
    for one in Path(f"/proc/{front.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if "(deleted)" in os.readlink(one):
                total += os.stat(one).st_size
    return total


@pytest.fixture(scope="module")
def standing_site(make_shared_site):
    """A front that cuts nobody while a busy machine is at it, and a worker."""
    site = make_shared_site()
    site.front(PROBE_CLIENT_SLACK="600")
    site.workers()
    return site


@pytest.mark.parametrize("kind", ["page", "file"])
def test_the_only_thread_is_free_at_once(serving, paths, kind):
    site, front = serving, serving.processes[0]
    with asking(site, paths[kind]) as client:
        wait_until(lambda: site.runs("large"), "it runs")
        began = time.monotonic()
        for number in range(3):
            assert site.get(f"/run/other-{number}/").status_code == 200
        assert time.monotonic() - began < AT_ONCE
        wait_until(lambda: site.queue()["in_flight"] == 0, "its lease is settled")
        assert spooled(front) > SIZE // 2
        head, size, whole = rest(client)
    assert b"200 OK" in head
    assert (size, whole) == (SIZE, True)
    wait_until(lambda: spooled(front) == 0, "the spool is empty")
    assert len(site.runs("large")) == 1


@pytest.fixture(scope="module")
def sites_of_little_spool(make_shared_site):
    """One for each size of its front's spool."""
    sites = {spool: make_shared_site(FRONT_SPOOL=spool) for spool in (0, 16 * MIB)}
    for site in sites.values():
        site.front()
        site.workers()
    return sites


@pytest.fixture(params=[0, 16 * MIB], ids=["none", "small"])
def spool(request):
    """Bytes that a front may spool."""
    return request.param


@pytest.fixture
def of_little_spool(sites_of_little_spool, spool):
    """A site that serves, shared with other tests of the same spool."""
    with left_as_found(sites_of_little_spool[spool]):
        yield sites_of_little_spool[spool]


@pytest.mark.parametrize("kind", ["page", "file"])
def test_without_room_in_the_spool_it_arrives_all_the_same(of_little_spool, paths, kind, spool):
    """Its worker waits for the client, as with a stream."""
    site, front = of_little_spool, of_little_spool.processes[0]
    with asking(site, paths[kind]) as client:
        wait_until(lambda: site.runs("large"), "it runs")
        wait_until(lambda: site.queue()["in_flight"] == 1)
        assert spooled(front) <= spool // 4
        _, size, whole = rest(client)
    assert (size, whole) == (SIZE, True)
    wait_until(lambda: site.queue()["in_flight"] == 0)


def test_who_takes_nothing_is_cut_at_last(site, paths):
    rates = {"PROBE_CLIENT_SLACK": "1", "PROBE_CLIENT_MIN_RATE": str(64 * 1024)}
    front = site.front(PROBE_CLIENT_SLACK_SETTLED="2", **rates)
    site.workers()
    with asking(site, paths["page"]) as client:
        wait_until(lambda: spooled(front) > 0, "much of it waits")
        wait_until(lambda: site.queue()["in_flight"] == 0, "it is settled")
        wait_until(lambda: spooled(front) == 0, "it is dropped", LOST)
        _, size, whole = rest(client)
    assert size < SIZE
    assert not whole
    assert "takes too little" in front.log.read_text()


def test_a_reader_who_leaves_gives_its_place_back(serving, paths):
    site, front = serving, serving.processes[0]
    with asking(site, paths["file"]):
        wait_until(lambda: spooled(front) > 0, "much of it waits")
    wait_until(lambda: spooled(front) == 0, "it is dropped")
    assert site.get("/run/other/").status_code == 200


def test_a_worker_killed_in_the_middle_is_seen(make_site, paths):
    """What came is in the front, but not all of it: the answer is cut, and never run again."""
    site = make_site(FRONT_SPOOL=16 * MIB)
    front = site.front()
    site.workers()
    with asking(site, paths["file"]) as client:
        wait_until(lambda: spooled(front) > 0, "a part of it has come")
        (line,) = site.runs("large")
        os.kill(int(line.split()[2]), signal.SIGKILL)
        _, size, _ = rest(client)
    assert 0 < size < SIZE
    assert len(site.runs("large")) == 1
    assert site.get("/run/other/").status_code == 200
    wait_until(lambda: spooled(front) == 0, "nothing is left of it")
