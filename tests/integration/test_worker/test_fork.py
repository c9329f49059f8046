"""Views that fork: the child holds nothing of its worker's and never serves in its place."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path

from ...kit.proc import children, cpu_seconds, is_alive
from ...kit.waiting import wait_until
from .. import conftest as integration
from .worker_site import ended, told

client = integration.client  # of processes, not of a thread

URLS = {
    "PROBE_URLCONF": "tests.integration.test_worker.fork_urls",
    "DJANGO_SETTINGS_MODULE": "tests.integration.test_worker.fork_settings",
}
AFTER = 200  # requests


async def body(client, path: str) -> str:
    """Of the answer."""
    frames = await client.whole(await client.ask(path))
    return b"".join(frame.body for frame in frames).decode()


async def serves_on(workers, client, supervisor) -> None:
    """The worker there was answers alone, each request once; it rests when there are none."""
    (pid,) = workers.pids()
    ids = [await client.ask(f"/run/after-{number}/") for number in range(AFTER)]
    for id in ids:
        assert await client.status(id) == 200
    runs = [line.split() for line in workers.runs() if line.startswith("after-")]
    assert sorted(run[0] for run in runs) == sorted(f"after-{number}" for number in range(AFTER))
    assert {int(run[2]) for run in runs} == {pid}
    assert children(supervisor.pid) == [pid]
    before, began = cpu_seconds(pid), time.monotonic()
    wait_until(lambda: time.monotonic() > began + 1)
    assert cpu_seconds(pid) - before < 0.2


CHILDREN = {
    "/leave/x/?status=0": "ended with 0",
    "/leave/x/?status=7": "ended with 7",
    "/leave/x/": "ended with 1",
    "/come-back/x/": "ended with 0",
    "/fail/x/": "ended with 1",
    "/in-stream/go-on/x/": "first, ended with 0",
    "/in-stream/end/x/": "first, ended with 0",
    "/in-stream/exit/x/": "first, ended with 3",
    "/process/x/": "ended with -15",
    "/pool/x/": "sum 55",
}


async def test_children_end_and_their_parent_serves_on(workers, client):
    await see_children_end(workers, client, CHILDREN)


async def see_children_end(workers, client, answers, **environ) -> None:
    """Their parent tells how, serves on, and leaves nothing behind."""
    supervisor = workers.start(**URLS, **environ)
    (pid,) = workers.pids()
    for path, answer in answers.items():
        assert await body(client, path) == answer, path
        assert children(pid) == [], path
    await serves_on(workers, client, supervisor)
    supervisor.terminate()
    assert ended(supervisor) == 0


async def test_what_a_child_says_last_is_heard(workers, client):
    supervisor = workers.start(**URLS)
    assert await body(client, "/leave/x/") == "ended with 1"
    assert told(supervisor, "a last word") == ["a last word"]
    await body(client, "/come-back/x/")
    assert len(told(supervisor, "came back out of its view")) == 1


async def test_a_child_forked_while_the_response_is_closed(workers, client):
    supervisor = workers.start(**URLS)
    assert await body(client, "/in-close/x/") == "closed later"
    ending = Path(f"{workers.ledger}-close")
    wait_until(lambda: ending.exists() and ending.read_text() == "ended with 0")
    await serves_on(workers, client, supervisor)


async def test_a_child_in_a_process_of_many_threads(workers, client):
    supervisor = workers.start("--threads", "4", **URLS)
    (pid,) = workers.pids()
    ids = [await client.ask(f"/process/{number}/") for number in range(20)]
    for id in ids:
        (frame,) = await client.whole(id)
        assert frame.body == b"ended with -15"
    assert children(pid) == []
    await serves_on(workers, client, supervisor)


async def test_a_program_is_given_nothing_of_the_worker(workers, client):
    workers.start(**URLS)
    listing = await body(client, "/command/x/")
    numbers = {int(number) for number in re.findall(r" (\d+) -> ", listing)}
    assert numbers <= {0, 1, 2, 3}, listing  # 3 is the directory it reads


async def test_a_daemon_holds_nothing_and_outlives_its_worker(workers, client):
    supervisor = workers.start(**URLS)
    (pid,) = workers.pids()
    daemon = int(await body(client, "/daemon/x/"))
    try:
        shared = held(daemon) & held(pid)
        assert shared == set(), shared
        await serves_on(workers, client, supervisor)
        supervisor.terminate()
        assert ended(supervisor) == 0
        assert is_alive(daemon)
        assert not workers.pids()
    finally:
        os.kill(daemon, signal.SIGKILL)


async def test_a_worker_that_ends_without_a_good_bye_is_lost_at_once(workers, client):
    """``os._exit(0)`` in a view: its request is settled now, not when its lease runs out."""
    supervisor = workers.start(**URLS)
    (pid,) = workers.pids()
    began = time.monotonic()
    await client.ask("/mute/x/", "POST")
    wait_until(lambda: workers.status()["dead_letters"] == 1)
    assert time.monotonic() - began < 10, "not only when the lease of 15 s ran out"
    workers.serve(supervisor, 1)
    (line,) = told(supervisor, f"Worker process {pid} ended with status 0")
    assert "in the middle of its work" in line
    await serves_on(workers, client, supervisor)


def held(pid: int) -> set[str]:
    """Pipes and sockets a process holds, but for its standard streams."""
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has been closed since they were listed
            found[int(link.name)] = os.readlink(link)
    return {
        what
        for number, what in found.items()
        if number > 2
        and what.startswith(("pipe:", "socket:", "anon_inode:"))
        and what not in ("anon_inode:[eventpoll]",)
    }
