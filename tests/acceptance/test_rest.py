"""P10: with no traffic, every process is back to what it was."""

import contextlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ..kit.proc import memory
from ..kit.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ROUNDS = 3  # after the first, which is warm-up
MOST_GROWTH = 4 << 20  # bytes; a round moves thirty times as much
LARGE = 300_000  # bytes: stays at the front


def traffic(site, round_: int) -> None:
    """Some of everything, and clients that leave; returns when nothing is held any more."""

    def ask(number: int) -> int:
        nonce = f"r{round_}-{number}"
        match number % 4:
            case 0:
                return httpx.get(f"{site.url}/run/{nonce}/", timeout=60).status_code
            case 1:
                body = b"x" * LARGE
                return httpx.post(f"{site.url}/run/{nonce}/", content=body, timeout=60).status_code
            case 2:
                path = f"/stream/{nonce}/?size=100000&count=20"
                stream = httpx.get(f"{site.url}{path}", timeout=60)
                return stream.status_code if len(stream.content) == 2_000_000 else 0
            case _:
                with contextlib.suppress(httpx.ReadTimeout):  # a stalled client has its answer
                    httpx.get(f"{site.url}/run/{nonce}/?seconds=0.6", timeout=0.1)
                return 200

    with ThreadPoolExecutor(8) as users:
        assert set(users.map(ask, range(80))) == {200}
    wait_until(lambda: at_rest(site), "nothing is held")


def at_rest(site) -> bool:
    status = site.status()
    busy = [q for q in status["queues"] if q["depth"] or q["in_flight"]]
    return not busy and not any(front["held"] for front in status["fronts"])


def handles(pid: int) -> tuple[int, int]:
    """Descriptors and threads."""
    process = Path("/proc", str(pid))
    return len(os.listdir(process / "fd")), len(os.listdir(process / "task"))


def above(now: tuple[int, int], before: tuple[int, int]) -> bool:
    return any(n > b for n, b in zip(now, before, strict=True))


def test_descriptors_threads_and_memory(site):
    front = site.front()
    supervisor = site.workers("--threads", "4")
    pids = [front.pid, supervisor.pid, *(worker["pid"] for worker in site.status()["workers"])]
    traffic(site, 0)
    before = {pid: handles(pid) for pid in pids}
    memory_before = {pid: memory(pid) for pid in pids}
    for round_ in range(1, 1 + ROUNDS):
        traffic(site, round_)
    for pid in pids:
        wait_until(lambda pid=pid: not above(handles(pid), before[pid]), f"{pid} as {before[pid]}")
    growth = {pid: memory(pid) - memory_before[pid] for pid in pids}
    assert max(growth.values()) < MOST_GROWTH, growth
    assert [worker["pid"] for worker in site.status()["workers"]] == pids[2:]
