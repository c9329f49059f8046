"""A worker stopped for three leases at a boundary of its work, and woken again: a zombie."""

import itertools

import pytest

from ..chaos.users import CUT
from ..waiting import wait_until
from .stage import ROUNDS, is_frozen, thaw, wait_out
from .table import TABLE

LEASE = 1.0  # seconds
KINDS = {
    # what is asked for, place: what the client sees, how often it is run, its dead letters
    ("GET", "view"): (200, 2, 0),
    ("GET", "before-settle"): (200, 2, 0),
    ("POST", "view"): (502, 1, 1),
    ("STREAM", "frames"): (CUT, 1, 1),
}
numbers = itertools.count()


@pytest.fixture(scope="module")
def stage(make_stage):
    stage = make_stage(LEASE=LEASE, MAX_HOLD=60)
    stage.front()
    stage.workers("--processes", "4")
    return stage


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize(("kind", "place"), KINDS)
def test_a_zombie_answers_nobody_and_gets_nothing_back(stage, kind, place, round_):
    status, times, letters = KINDS[kind, place]
    stage.wait_for_workers(4)
    dead = stage.status()["dead_letters"]
    nonce = f"{kind}-{place}-{next(numbers)}"
    # So slow that its second attempt still runs when the zombie of the first wakes up.
    sent = stage.send(nonce, kind, f"freeze={place}&seconds={LEASE * 3}")
    zombie = stage.run_of(nonce).pid
    wait_until(lambda: is_frozen(zombie), "frozen")
    try:
        if times == 2:
            stage.run_of(nonce, 2)
        wait_until(lambda: _leases_of(stage, zombie) == [], "its lease is lost")
        before = sorted(stage.leases().values())
        wait_out(LEASE * 2)
    finally:
        thaw(zombie)
    wait_until(lambda: _has_registered_again(stage, zombie), "it registers again")
    if times == 2 and place == "before-settle":  # it has tried to answer by now
        assert sorted(stage.leases().values()) == before
    outcome = sent.outcome()
    assert (outcome.status, stage.times(nonce)) == (status, times)
    assert status != 200 or outcome.attempt == 2
    assert stage.status()["dead_letters"] == dead + letters
    TABLE.add(f"frozen for three leases: {place}", kind, str(status or "cut"), outcome.seconds)


def _leases_of(stage, pid: int) -> list[str]:
    return [slot for slot in stage.leases() if slot.split(":")[1] == str(pid)]


def _has_registered_again(stage, pid: int) -> bool:
    return any(worker["pid"] == pid for worker in stage.status()["workers"])
