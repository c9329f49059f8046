"""A network that carries bytes one way only, between the broker and a worker or a front."""

import time

import httpx
import pytest

from ..kit.ports import free_port
from ..kit.waiting import wait_until
from .proxy import FROM_BROKER, TO_BROKER, Proxy

LEASE = 2.0  # seconds

pytestmark = pytest.mark.parametrize("direction", [FROM_BROKER, TO_BROKER])


@pytest.fixture
def partly(make_site):
    """A site, and a proxy before its broker."""
    port = free_port()
    site = make_site({"port": str(port)}, LEASE=LEASE, MAX_HOLD=40)
    proxy = Proxy(port)
    yield site, proxy
    proxy.close()
    site.stop()


def test_a_worker_cut_off(partly, direction):
    site, proxy = partly
    site.front()
    site.workers("--threads", "2", QUEUEPROXY_BROKER_URL=proxy.url)
    sent = {kind: site.send(kind, kind, f"seconds={2 * LEASE}") for kind in ("GET", "POST")}
    cut_off = {site.run_of(kind).pid for kind in sent}.pop()
    proxy.block(direction)
    site.manage("runqueueworker", "--threads", "2")
    get, post = (sent[kind].outcome() for kind in ("GET", "POST"))
    if direction == TO_BROKER:
        assert (get.attempt, post.status) == (2, 502)
    # The other way its answers still arrive, unless its lease is lost before.
    assert (get.status, get.attempt) == (200, site.times("GET"))
    assert post.status in (200, 502)
    assert site.times("POST") == 1
    proxy.heal()
    wait_until(lambda: _serves(site, cut_off), "it serves again", 40)
    assert site.send("after", "POST").outcome().status == 200
    assert site.times("GET") == get.attempt  # what it did too late has not been done again


def _serves(site, pid: int) -> bool:
    """Whether a process runs requests; asks for one."""
    nonce = f"ask{time.monotonic_ns()}"
    assert site.send(nonce, "GET", "seconds=0.05").outcome().status == 200
    return site.run_of(nonce).pid == pid


def test_a_front_cut_off(partly, direction):
    site, proxy = partly
    site.front(QUEUEPROXY_BROKER_URL=proxy.url)
    site.workers("--threads", "2")
    proxy.block(direction)
    sent = [site.send(f"{kind}{n}", kind) for n in range(10) for kind in ("GET", "POST")]
    wait_until(lambda: _readiness(site) == 503, "the front sees that the broker is away")
    proxy.heal()
    outcomes = [one.outcome() for one in sent]
    assert {outcome.status for outcome in outcomes if outcome.kind == "GET"} == {200}
    for outcome in outcomes:
        assert outcome.kind == "GET" or site.times(outcome.nonce) <= 1
        assert outcome.status != 200 or site.times(outcome.nonce) >= 1
        assert outcome.status in (200, 502)


def _readiness(site) -> int:
    return httpx.get(f"{site.url}/-/readyz", timeout=30).status_code
