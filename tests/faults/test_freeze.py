"""A worker stopped for three leases at a boundary of its work, and woken again: a zombie."""

import itertools

import pytest

from ..chaos.users import CUT
from ..kit.proc import is_frozen
from ..kit.waiting import wait_until
from .fault_site import ROUNDS, thaw, wait_out
from .table import TABLE

LEASE = 1.5  # seconds
KINDS = {
    # what is asked for, place: what the client sees, how often it is run, its dead letters
    ("GET", "view"): (200, 2, 0),
    ("GET", "before-settle"): (200, 2, 0),
    ("POST", "view"): (502, 1, 1),
    ("STREAM", "frames"): (CUT, 1, 1),
}
numbers = itertools.count()


@pytest.fixture(scope="module")
def site(make_site):
    site = make_site(LEASE=LEASE, MAX_HOLD=60)
    site.front()
    site.workers("--processes", "4")
    return site


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize(("kind", "place"), KINDS)
def test_a_zombie_answers_nobody_and_gets_nothing_back(site, kind, place, round_):
    status, times, letters = KINDS[kind, place]
    site.wait_for_workers(4)
    dead = site.status()["dead_letters"]
    nonce = f"{kind}-{place}-{next(numbers)}"
    # So slow that its second attempt still runs when the zombie of the first wakes up.
    sent = site.send(nonce, kind, f"freeze={place}&seconds={LEASE * 5}")
    zombie = site.run_of(nonce).pid
    wait_until(lambda: is_frozen(zombie), "frozen")
    try:
        if times == 2:
            site.run_of(nonce, 2)
        wait_until(lambda: _leases_of(site, zombie) == [], "its lease is lost")
        before = sorted(site.leases().values())
        wait_out(LEASE * 2)
    finally:
        thaw(zombie)
    wait_until(lambda: _has_registered_again(site, zombie), "it registers again")
    if times == 2 and place == "before-settle":  # it has tried to answer by now
        assert sorted(site.leases().values()) == before
    outcome = sent.outcome()
    assert (outcome.status, site.times(nonce)) == (status, times)
    assert status != 200 or outcome.attempt == 2
    assert site.status()["dead_letters"] == dead + letters
    TABLE.add(f"frozen for three leases: {place}", kind, str(status or "cut"), outcome.seconds)


def _leases_of(site, pid: int) -> list[str]:
    return [slot for slot in site.leases() if slot.split(":")[1] == str(pid)]


def _has_registered_again(site, pid: int) -> bool:
    return any(worker["pid"] == pid for worker in site.status()["workers"])
