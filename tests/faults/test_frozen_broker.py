"""A broker that stands still for three leases, or whose clock jumps: nobody is given up for it."""

import itertools

import pytest

from ..kit.clocks import ShiftedServer
from ..kit.waiting import wait_until
from .fault_site import ROUNDS, wait_out
from .table import TABLE

LEASE = 2.0  # seconds
HOUR = 3600  # seconds
WAITING = 4  # requests of each method
numbers = itertools.count()


@pytest.fixture(scope="module")
def site(make_site):
    site = make_site(server=ShiftedServer, LEASE=LEASE, MAX_HOLD=60)
    site.front()
    site.workers("--processes", "2")
    site.wait_for_workers(2)
    return site


def freeze(broker):
    broker.freeze()
    wait_out(3 * LEASE)
    broker.thaw()


FAULTS = {
    "broker frozen for three leases": freeze,
    "clock an hour ahead": lambda broker: broker.shift(HOUR),
    "clock right again, an hour back": lambda broker: broker.shift(0),
    "clock an hour behind": lambda broker: broker.shift(-HOUR),
}


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("fault", FAULTS)
def test_all_are_answered_by_their_first_attempt(site, fault, round_):
    before, dead = registered(site), site.status()["dead_letters"]
    running = send(site, ("GET", "POST"), f"seconds={LEASE * 2}")
    for sent in running:
        site.run_of(sent.nonce)
    waiting = send(site, ("GET", "POST") * WAITING, "seconds=0")
    wait_until(lambda: site.queue()["depth"] == 2 * WAITING, "they wait")
    FAULTS[fault](site.broker)
    for sent in (*running, *waiting):
        outcome = sent.outcome()
        assert (outcome.status, outcome.attempt, site.times(sent.nonce)) == (200, 1, 1), outcome
        TABLE.add(fault, outcome.kind, str(outcome.status), outcome.seconds)
    wait_out(LEASE * 2)  # whoever was to be given up would be by now
    assert registered(site) == before
    after = site.send(f"after-{next(numbers)}", "POST").outcome()
    assert (after.status, after.seconds < 10) == (200, True), after
    assert site.status()["dead_letters"] == dead


def send(site, kinds, query):
    return [site.send(f"{kind}-{next(numbers)}", kind, query) for kind in kinds]


def registered(site) -> tuple[set[str], set[str]]:
    """The workers, and each front with the moment it joined: another after it was given up."""
    client = site.broker.client()
    fronts = client.zrange("{queueproxy}:fronts", 0, -1)
    joined = {
        f"{front} {client.hget(f'{{queueproxy}}:front:{front}', 'joined')}" for front in fronts
    }
    return set(client.zrange("{queueproxy}:workers", 0, -1)), joined
