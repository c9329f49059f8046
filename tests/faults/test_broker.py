"""The broker restarted, emptied, silent or full, while it carries requests."""

import pytest

from ..waiting import wait_until
from .crowd import Crowd
from .stage import ROUNDS

FEW = max(1, ROUNDS // 10)  # rounds of what costs a new site each


def under_way(stage, size: int, name: str = "") -> Crowd:
    """So many requests held, of which some have run and most wait."""
    stage.pause()
    ran = len(stage.executions.read())
    crowd = Crowd(stage, size, name, seconds=0.01)
    wait_until(lambda: stage.queue()["depth"] == size, f"{size} wait", timeout=60)
    stage.resume()
    wait_until(lambda: len(stage.executions.read()) > ran + size // 10, "some have run")
    return crowd


@pytest.mark.parametrize("round_", range(FEW))
@pytest.mark.parametrize("kept", ["yes", "no"])
def test_restarted_with_a_thousand_held(make_stage, kept, round_):
    stage = make_stage({"appendonly": kept}, MAX_HOLD=100)
    stage.front()
    stage.workers("--processes", "2", "--threads", "2")
    crowd = under_way(stage, 1000)
    stage.broker.kill()
    stage.broker.start()
    answers = crowd.check()
    # What stood in the queue and must not be repeated is not run, whatever the broker kept.
    refused = [answer for answer in answers if answer.status == 502]
    assert refused
    assert {answer.method for answer in refused} == {"POST"}
    stage.stop()


@pytest.fixture(scope="module")
def stage(make_stage):
    stage = make_stage(MAX_HOLD=60)
    stage.front()
    stage.workers("--processes", "2", "--threads", "2")
    return stage


SHOCKS = {
    "FLUSHALL": lambda client: client.flushall(),
    "FUNCTION FLUSH": lambda client: client.function_flush(),
    "CLIENT PAUSE": lambda client: client.client_pause(1500),
    "CLIENT KILL": lambda client: client.client_kill_filter(_type="normal", skipme=True),
}


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("shock", SHOCKS)
def test_shock(stage, shock, round_):
    crowd = under_way(stage, 200, f"{shock.replace(' ', '-')}{round_}-")
    SHOCKS[shock](stage.broker.client())
    answers = crowd.check()
    if shock != "FLUSHALL":  # nothing was lost: a POST has its answer too
        assert {answer.status for answer in answers} == {200}


def test_out_of_memory(make_stage):
    stage = make_stage(MAX_HOLD=4, LEASE=1)
    stage.front()
    stage.workers()
    stage.pause()
    admitted = [stage.send(f"admitted{n}", "POST") for n in range(10)]
    wait_until(lambda: stage.queue()["depth"] == 10)
    stage.broker.client().config_set("maxmemory", 1)
    late = [stage.send(f"late{n}", kind) for n in range(3) for kind in ("GET", "POST")]
    stage.resume()
    assert {sent.outcome().status for sent in admitted} == {200}
    assert {sent.outcome().status for sent in late} == {503}
    stage.broker.client().config_set("maxmemory", 0)
    assert stage.send("after", "POST").outcome().status == 200
    assert {stage.times(sent.nonce) for sent in admitted} == {1}
    assert {stage.times(sent.nonce) for sent in late} == {0}
