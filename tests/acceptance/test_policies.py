"""What views say of their requests, from a worker's URLconf to the front that treats them so."""

import json
import os
import signal
import threading
import time
from collections import defaultdict

import httpx
import pytest

from ..kit.proc import children
from ..kit.waiting import wait_until

RUN = "tests.acceptance.probe.urls.run"
LEASE = 1.5  # seconds; a front looks for another table three times in it
CLIENTS = 6
LATE = 5  # seconds: ten times the hold that a view says; the front may not know it at once


@pytest.fixture(scope="module")
def server():
    return "uvicorn"


def says(lease: float = LEASE, **policy) -> dict[str, str]:
    """The environment of workers whose view `run` says this."""
    return {"PROBE_SETTINGS": json.dumps({"LEASE": lease, "POLICIES": {RUN: policy}})}


@pytest.fixture
def decided(queueproxy):
    """What ``queueproxy routes`` of a site tells."""

    def decided(site, *words: str) -> str:
        done = queueproxy(site, "routes", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return decided


def test_a_front_treats_requests_as_their_views_say(make_site, queueproxy, decided):
    site = make_site(LEASE=LEASE)
    site.front()
    site.workers(**says(queue="low", max_hold=0.5))
    wait_until(lambda: "low (the view's policy)" in decided(site, "/run/a/", "POST"))
    assert queueproxy(site, "pause").returncode == 0
    wait_until(lambda: held_for(site, "/run/a/") < LATE, "the front knows it", 60)
    assert site.queue("low")["enqueued_total"]
    assert "MAX_HOLD" in decided(site, "/die/a/")
    assert "ROUTES" in decided(site, "/high/run/a/")


def held_for(site, path: str) -> float:
    """Seconds until a client is turned away during a pause; LATE where it is not by then."""
    began = time.monotonic()
    try:
        response = httpx.post(site.url + path, timeout=LATE)
    except httpx.ReadTimeout:
        return LATE
    assert response.status_code == 503
    return time.monotonic() - began


def test_all_views(site, queueproxy, decided):
    site.environ |= says(queue="low", at_most=2)
    told = queueproxy(site, "routes").stdout
    assert "No table is published" in told
    (line,) = [line for line in told.splitlines() if line.startswith("/run/<nonce>/")]
    assert f"table: queue='low', at_most=2 (said by {RUN})" in line
    assert "/code/" in told
    site.workers()
    wait_until(lambda: "Fronts go by this code" in decided(site))


def test_a_broker_that_is_away(site, queueproxy):
    site.environ["QUEUEPROXY_BROKER_URL"] = "redis://127.0.0.1:1/0"
    done = queueproxy(site, "routes", "/run/a/")
    assert (done.returncode, done.stdout) == (2, "")
    done = queueproxy(site, "routes")
    assert done.returncode == 0
    assert "Which table fronts go by is not known" in done.stdout


class Load:
    """Clients who POST one after another, each request under a nonce of its own.

    Args:
        prefix: of the nonces.
    """

    def __init__(self, site, prefix: str):
        self.statuses: dict[str, int] = {}
        self._site, self._prefix = site, prefix
        self._stop = threading.Event()
        self._clients = [
            threading.Thread(target=self._ask, args=(number,), daemon=True)
            for number in range(CLIENTS)
        ]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for client in self._clients:
            client.join(60)
            assert not client.is_alive()

    def _ask(self, client: int) -> None:
        number = 0
        with httpx.Client(timeout=60) as connection:
            while not self._stop.is_set() and number < 2000:
                number += 1
                nonce = f"{self._prefix}-{client}-{number}"
                url = f"{self._site.url}/run/{nonce}/?seconds=0.15"
                self.statuses[nonce] = connection.post(url).status_code

    def goes_on(self, requests: int) -> None:
        """Wait until so many more are answered."""
        wanted = len(self.statuses) + requests
        wait_until(lambda: len(self.statuses) >= wanted, "the load goes on", 60)


def starts(site, prefix: str) -> dict[str, list[int]]:
    """The processes that started each nonce, in order."""
    found = defaultdict(list)
    for line in site.runs():
        nonce, _, pid, _ = line.split()
        if nonce.startswith(f"{prefix}-"):
            found[nonce].append(int(pid))
    return found


def worker_pids(site) -> set[int]:
    return {worker["pid"] for worker in site.status()["workers"]}


def kill_one(site) -> None:
    """Kill a worker process; it is off the list when this returns."""
    pid = min(worker_pids(site))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in worker_pids(site), "its end is noticed")


def test_a_table_that_changes_under_load_breaks_no_promise(make_site, decided):
    """The old release lets POSTs be repeated, the new one does not; workers are killed."""
    site = make_site(LEASE=LEASE)
    site.front()
    old = site.workers("--processes", "3", **says(repeat=True))
    wait_until(lambda: len(worker_pids(site)) == 3)
    wait_until(lambda: "2 times at most" in decided(site, "/run/a/", "POST"))
    with Load(site, "first") as first:
        first.goes_on(60)  # more than two heartbeats: the front knows
    with Load(site, "early") as early:
        for _ in range(3):
            early.goes_on(20)
            kill_one(site)
    assert set(early.statuses.values()) == {200}  # killed under its view or not
    assert max(map(len, starts(site, "early").values())) == 2

    with Load(site, "between") as between:
        between.goes_on(20)
        site.workers("--processes", "3", **says(repeat=False, queue="low"))
        between.goes_on(5)
        os.kill(old.pid, signal.SIGSTOP)  # it starts none, and those that it has run on
        olds = children(old.pid)
        for pid in (*olds, old.pid):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: site.queue("low")["enqueued_total"], "the front knows the new one", 60)
        between.goes_on(20)
    assert set(between.statuses.values()) <= {200, 502}
    news = worker_pids(site) - set(olds)
    for nonce, pids in starts(site, "between").items():
        assert not set(pids[1:]) & news, f"{nonce} was started again by code that forbids it"

    wait_until(lambda: worker_pids(site).isdisjoint(olds), "the dead are off the list")
    with Load(site, "late") as late:
        for _ in range(3):
            late.goes_on(20)
            kill_one(site)
    assert set(late.statuses.values()) == {200, 502}
    assert set(map(len, starts(site, "late").values())) == {1}
