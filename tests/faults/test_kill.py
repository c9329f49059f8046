"""A worker process killed at each boundary of its work."""

import itertools

import pytest

from ..chaos.users import CUT
from .fault_site import ROUNDS, Frozen
from .table import TABLE

PLACES = ("claimed", "entering", "view", "frames", "before-settle", "settled")
KINDS = ("GET", "POST", "STREAM")
NOTED = ("view", "frames", "before-settle", "settled")  # the ledger has the execution by then
LEASE = 2.0  # seconds, where no supervisor lives
PROMPTLY = 15.0  # seconds; half the lease, which has no part in it (DESIGN says 1 s: see TABLE)
CASES = [(p, k) for p, k in itertools.product(PLACES, KINDS) if p != "frames" or k == "STREAM"]
ALONE = [(p, "GET") for p in ("claimed", "entering", "view", "before-settle")]
ALONE += [("view", "POST"), ("frames", "STREAM")]

numbers = itertools.count()


def expected(place: str, kind: str) -> tuple[int, int]:
    """What the client sees, and how often its request is run."""
    if place == "settled":
        return 200, 1
    noted = int(place in NOTED)
    if kind == "POST":
        return 502, noted
    if kind == "STREAM" and place in ("frames", "before-settle"):
        return CUT, 1  # a byte has gone to the client: never a second attempt
    return 200, noted + 1


@pytest.fixture(scope="module")
def supervised(make_site):
    """Four workers under a supervisor, and leases that outlast every test."""
    site = make_site(LEASE=30, MAX_HOLD=60)
    site.front()
    site.workers("--processes", "4")
    return site


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize(("place", "kind"), CASES)
def test_killed_under_a_supervisor(supervised, place, kind, round_):
    site = supervised
    site.wait_for_workers(3)  # one may be about to die, of the round before
    nonce = f"{place}-{kind}-{next(numbers)}"
    waiting = [site.send(f"{nonce}-{n}{k}", k) for n in range(2) for k in ("GET", "POST")]
    struck = site.send(nonce, kind, f"kill={place}&seconds=0")
    status, times = expected(place, kind)
    outcome = struck.outcome()
    assert (outcome.status, site.times(nonce)) == (status, times)
    assert outcome.seconds < PROMPTLY
    TABLE.add(f"killed: {place}", kind, str(status or "cut"), outcome.seconds)
    check_bystanders(site, [sent.outcome() for sent in waiting], place)


def check_bystanders(site, outcomes, place) -> None:
    """Nothing unclaimed is lost; one POST may be claimed by the turn that settles."""
    lost = [outcome for outcome in outcomes if outcome.status != 200]
    assert len(lost) <= (place == "settled"), lost
    assert all(outcome.kind == "POST" and outcome.status == 502 for outcome in lost)
    assert all(site.times(outcome.nonce) <= 1 for outcome in outcomes if outcome.kind == "POST")


@pytest.fixture(scope="module")
def two_machines(make_site):
    """Two supervisors with a worker each."""
    site = make_site(LEASE=LEASE, MAX_HOLD=30)
    site.front()
    return site, [site.workers() for _ in range(2)]


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize(("place", "kind"), ALONE)
def test_killed_with_nobody_to_see_it(two_machines, place, kind, round_):
    site, (one, other) = two_machines
    site.wait_for_workers(2)
    nonce = f"alone-{place}-{kind}-{next(numbers)}"
    with Frozen(one.pid), Frozen(other.pid):  # supervisors that see nothing, as of a dead machine
        outcome = site.send(nonce, kind, f"kill={place}&seconds=0").outcome()
    assert (outcome.status, site.times(nonce)) == expected(place, kind)
    assert outcome.seconds < LEASE + 10  # far below the hold
    what = str(outcome.status or "cut")
    TABLE.add(f"killed with its machine: {place}", kind, what, outcome.seconds)
