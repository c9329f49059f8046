"""The broker restarted, emptied, silent or full, while it carries requests."""

import pytest

from ..kit.waiting import wait_until
from .crowd import Crowd
from .fault_site import ROUNDS

FEW = max(1, ROUNDS // 10)  # rounds of what costs a new site each


def under_way(site, size: int, name: str = "") -> Crowd:
    """So many requests held, of which some have run and most wait."""
    site.pause()
    ran = len(site.executions.read())
    crowd = Crowd(site, size, name, seconds=0.02)
    wait_until(lambda: site.queue()["depth"] == size, f"{size} wait", timeout=60)
    site.resume()
    wait_until(lambda: len(site.executions.read()) > ran + size // 10, "some have run")
    return crowd


@pytest.mark.parametrize("round_", range(FEW))
@pytest.mark.parametrize("kept", ["yes", "no"])
def test_restarted_with_a_thousand_held(make_site, kept, round_):
    site = make_site({"appendonly": kept}, MAX_HOLD=100)
    site.front()
    site.workers("--processes", "2", "--threads", "2")
    crowd = under_way(site, 1000)
    site.broker.kill()
    site.broker.start()
    answers = crowd.check()
    # What stood in the queue and must not be repeated is not run, whatever the broker kept.
    refused = [answer for answer in answers if answer.status == 502]
    assert refused
    assert {answer.method for answer in refused} == {"POST"}
    site.stop()


@pytest.fixture(scope="module")
def site(make_site):
    site = make_site(MAX_HOLD=60)
    site.front()
    site.workers("--processes", "2", "--threads", "2")
    return site


SHOCKS = {
    "FLUSHALL": lambda client: client.flushall(),
    "FUNCTION FLUSH": lambda client: client.function_flush(),
    "CLIENT PAUSE": lambda client: client.client_pause(1500),
    "CLIENT KILL": lambda client: client.client_kill_filter(_type="normal", skipme=True),
}


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("shock", SHOCKS)
def test_shock(site, shock, round_):
    crowd = under_way(site, 200, f"{shock.replace(' ', '-')}{round_}-")
    SHOCKS[shock](site.broker.client())
    answers = crowd.check()
    if shock != "FLUSHALL":  # nothing was lost: a POST has its answer too
        assert {answer.status for answer in answers} == {200}


def test_out_of_memory(make_site):
    site = make_site(MAX_HOLD=10, LEASE=2)
    site.front()
    site.workers()
    site.pause()
    admitted = [site.send(f"admitted{n}", "POST") for n in range(10)]
    wait_until(lambda: site.queue()["depth"] == 10)
    site.broker.client().config_set("maxmemory", 1)
    late = [site.send(f"late{n}", kind) for n in range(3) for kind in ("GET", "POST")]
    site.resume()
    assert {sent.outcome().status for sent in admitted} == {200}
    assert {sent.outcome().status for sent in late} == {503}
    site.broker.client().config_set("maxmemory", 0)
    assert site.send("after", "POST").outcome().status == 200
    assert {site.times(sent.nonce) for sent in admitted} == {1}
    assert {site.times(sent.nonce) for sent in late} == {0}
