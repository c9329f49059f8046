"""A network that carries bytes one way only, between the broker and a worker or a front."""

import time

import httpx
import pytest

from ..ports import free_port
from ..waiting import wait_until
from .proxy import FROM_BROKER, TO_BROKER, Proxy

LEASE = 2.0  # seconds

pytestmark = pytest.mark.parametrize("direction", [FROM_BROKER, TO_BROKER])


@pytest.fixture
def partly(make_stage):
    """A stage, and a proxy before its broker."""
    port = free_port()
    stage = make_stage({"port": str(port)}, LEASE=LEASE, MAX_HOLD=40)
    proxy = Proxy(port)
    yield stage, proxy
    proxy.close()
    stage.stop()


def test_a_worker_cut_off(partly, direction):
    stage, proxy = partly
    stage.front()
    stage.workers("--threads", "2", QUEUEPROXY_BROKER_URL=proxy.url)
    sent = {kind: stage.send(kind, kind, f"seconds={LEASE}") for kind in ("GET", "POST")}
    cut_off = {stage.run_of(kind).pid for kind in sent}.pop()
    proxy.block(direction)
    stage.manage("runqueueworker", "--threads", "2")
    get, post = (sent[kind].outcome() for kind in ("GET", "POST"))
    if direction == TO_BROKER:
        assert (get.attempt, post.status) == (2, 502)
    # The other way its answers still arrive, unless its lease is lost before.
    assert (get.status, get.attempt) == (200, stage.times("GET"))
    assert post.status in (200, 502)
    assert stage.times("POST") == 1
    proxy.heal()
    wait_until(lambda: _serves(stage, cut_off), "it serves again", 40)
    assert stage.send("after", "POST").outcome().status == 200
    assert stage.times("GET") == get.attempt  # what it did too late has not been done again


def _serves(stage, pid: int) -> bool:
    """Whether a process runs requests; asks for one."""
    nonce = f"ask{time.monotonic_ns()}"
    assert stage.send(nonce, "GET", "seconds=0.05").outcome().status == 200
    return stage.run_of(nonce).pid == pid


def test_a_front_cut_off(partly, direction):
    stage, proxy = partly
    stage.front(QUEUEPROXY_BROKER_URL=proxy.url)
    stage.workers("--threads", "2")
    proxy.block(direction)
    sent = [stage.send(f"{kind}{n}", kind) for n in range(10) for kind in ("GET", "POST")]
    wait_until(lambda: _readiness(stage) == 503, "the front sees that the broker is away")
    proxy.heal()
    outcomes = [one.outcome() for one in sent]
    assert {outcome.status for outcome in outcomes if outcome.kind == "GET"} == {200}
    for outcome in outcomes:
        assert outcome.kind == "GET" or stage.times(outcome.nonce) <= 1
        assert outcome.status != 200 or stage.times(outcome.nonce) >= 1
        assert outcome.status in (200, 502)


def _readiness(stage) -> int:
    return httpx.get(f"{stage.url}/-/readyz", timeout=30).status_code
