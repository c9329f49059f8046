"""Which release's workers claim: activated, rolled back, asked for by name, lost and told again."""

import threading
import time

import pytest

from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.operate.releases import Releases
from queueproxy.broker.own_release import NO_RELEASE, OwnRelease, is_release_name
from queueproxy.exceptions import BrokerUnavailable

from ..brokers import QUEUES, answer, eventually, ids_of, part

OLD, NEW = OwnRelease("old", 1), OwnRelease("new", 1)
PLAIN = OwnRelease("plain", 0)
TEN_MINUTES = 600
AT_ONCE = 5.0  # seconds; who is not woken waits three times as long


def worker(kit, release: OwnRelease = NO_RELEASE):
    """A thread of a worker of its own."""
    return kit.worker_broker(kit.registration(release=release))


def releases(kit) -> Releases:
    return Releases(kit.link())


def activate(kit, name: str, **options) -> str:
    return releases(kit).activate(name, **{"keep": TEN_MINUTES} | options).what


def shown(kit):
    return SnapshotReader(kit.link(), QUEUES).snapshot()


def states(kit) -> dict[str, str]:
    return {release.name: release.state for release in shown(kit).releases}


# Who claims.


async def test_without_any_all_claim_whatever_they_are_of(kit):
    front = await kit.front_broker()
    await kit.put(front, "a", "b", "c")
    workers = [worker(kit), worker(kit, PLAIN), worker(kit, OwnRelease("other", 0))]
    assert [one.settle_and_claim(None).id for one in workers] == ["a", "b", "c"]
    assert kit.client.hget(kit.keys.state, "activation") is None
    assert not kit.client.keys("*release*")


async def test_the_first_to_stand_by_serves_where_nobody_else_does(kit):
    front = await kit.front_broker()
    old, new = worker(kit, OLD), worker(kit, NEW)
    await kit.put(front, "a")
    assert new.settle_and_claim(None) is None
    assert old.settle_and_claim(None).id == "a"
    assert states(kit) == {"old": "active", "new": "standby"}


async def test_beside_workers_that_serve_one_stands_by_until_it_is_activated(kit):
    front = await kit.front_broker()
    plain, new = worker(kit, PLAIN), worker(kit, NEW)
    await kit.put(front, "a", "b", "c")
    assert new.settle_and_claim(None) is None
    first = plain.settle_and_claim(None)
    assert first.id == "a"
    assert states(kit) == {"plain": "serving", "new": "standby"}
    assert releases(kit).activate("new", keep=TEN_MINUTES) == ("done", "new", "plain")
    assert plain.settle_and_claim(answer(first)) is None
    assert ids_of(new) == ["b", "c"]
    assert states(kit) == {"new": "active", "plain": "standby"}


async def test_a_rollback_is_the_next_claim(kit):
    front = await kit.front_broker()
    old, new = worker(kit, OLD), worker(kit, NEW)
    await kit.put(front, *(f"r{number}" for number in range(40)))
    claims = {old: None, new: None}
    for number in range(40):
        active, other = (old, new) if number % 2 == 0 else (new, old)
        claims[active] = active.settle_and_claim(claims[active] and answer(claims[active]))
        assert claims[active].id == f"r{number}"
        claims[other] = other.settle_and_claim(claims[other] and answer(claims[other]))
        assert claims[other] is None
        what = activate(kit, "new") if number == 0 else releases(kit).roll_back(keep=60).what
        assert what == "done"
    assert len(await kit.answers(front)) == 39  # the last still runs


async def test_one_without_a_name_stands_by_once_a_release_is_active(kit):
    front = await kit.front_broker()
    nameless, old = worker(kit), worker(kit, OLD)
    assert activate(kit, "old") == "done"
    await kit.put(front, "a")
    assert nameless.settle_and_claim(None) is None
    assert activate(kit, "", force=True) == "done"
    assert nameless.settle_and_claim(None).id == "a"
    assert old.settle_and_claim(None) is None


async def test_where_all_stand_by_one_stays_active(kit):
    worker(kit, OLD)
    assert activate(kit, "") == "no_worker"
    worker(kit, PLAIN)
    assert activate(kit, "") == "done"
    assert states(kit) == {"old": "standby", "plain": "serving"}


async def test_the_lane_is_the_active_release_s_too(kit):
    front = await kit.front_broker()
    old = kit.worker_broker(kit.registration(release=OLD), queues=("ops", *QUEUES))
    new = kit.worker_broker(kit.registration(release=NEW), queues=("ops", *QUEUES))
    await kit.put(front, "page", queue="ops")
    assert new.settle_and_claim(None) is None
    assert old.settle_and_claim(None).id == "page"


async def test_what_was_claimed_before_is_answered_by_who_runs_it(kit):
    front = await kit.front_broker()
    old, new = worker(kit, OLD), worker(kit, NEW)
    await kit.put(front, "a")
    claim = old.settle_and_claim(None)
    activate(kit, "new")
    assert old.settle_and_claim(answer(claim)) is None
    assert new.settle_and_claim(None) is None
    assert list(await kit.answers(front)) == ["a"]


async def test_what_a_lost_one_ran_is_run_again_by_the_active_release(kit):
    front = await kit.front_broker()
    old, new = worker(kit, OLD), worker(kit, NEW)
    await kit.put(front, "a")
    assert old.settle_and_claim(None).attempt == 1
    activate(kit, "new")
    kit.link().script("worker_reap", old.worker)
    assert new.settle_and_claim(None).attempt == 2


@pytest.mark.parametrize("when", ["started", "streaming"])
async def test_a_trial_whose_worker_is_lost_is_no_dead_letter(kit, when):
    """Nobody's client waited for it: who tries a release out is told, and nothing is lost."""
    front = await kit.front_broker()
    new = worker(kit, NEW)
    await kit.put(front, "trial", release="new", most=1)
    claim = new.settle_and_claim(None)
    if when == "streaming":
        new.push(claim, part(claim, 0))
    kit.link().script("worker_reap", new.worker)
    assert (await kit.answers(front))["trial"][-1] == "worker_lost"
    assert kit.client.xlen(kit.keys.dead) == 0
    assert shown(kit).queues[0].totals.get("failed:worker_lost", 0) == 0


# What an activation is refused for.


async def test_without_a_worker_that_is_ready_nothing_changes(kit):
    old = kit.registration(release=OLD)
    assert activate(kit, "new") == "no_worker"
    new = kit.registration(release=NEW)
    new.beat("waiting for migrations")
    assert activate(kit, "new") == "no_worker"
    assert states(kit) == {"old": "active", "new": "standby"}
    new.beat("idle")
    assert activate(kit, "new") == "done"
    old.leave()
    assert releases(kit).roll_back(keep=60).what == "no_worker"
    assert releases(kit).roll_back(keep=60, force=True).what == "done"
    assert states(kit) == {"old": "active", "new": "standby"}


async def test_the_same_again_and_against_another_s(kit):
    worker(kit, OLD), worker(kit, NEW)
    assert activate(kit, "old") == "already"
    assert activate(kit, "new", instead_of="plain") == "changed"
    assert activate(kit, "new", instead_of="old") == "done"


async def test_there_is_nothing_to_roll_back_to(kit):
    worker(kit, OLD)
    assert releases(kit).roll_back(keep=60).what == "no_worker"
    assert states(kit) == {"old": "active"}
    assert activate(kit, "", force=True) == "done"
    assert activate(kit, "old") == "done"
    kit.client.hdel(kit.keys.state, "activation")
    assert releases(kit).roll_back(keep=60) is None


@pytest.mark.parametrize("earlier", [False, True])
async def test_a_rollback_goes_back_to_workers_without_a_release(kit, earlier):
    """Whichever release was active before those served."""
    front = await kit.front_broker()
    if earlier:
        worker(kit, OLD)
    nameless, new = worker(kit), worker(kit, NEW)
    activate(kit, "", force=True)
    await kit.put(front, "a", "b")
    assert nameless.settle_and_claim(None).id == "a"
    assert activate(kit, "new") == "done"
    assert releases(kit).roll_back(keep=60).what == "done"
    assert new.settle_and_claim(None) is None
    assert worker(kit).settle_and_claim(None).id == "b"


async def test_of_two_people_who_roll_back_at_once_one_does(kit):
    worker(kit, OLD), worker(kit, NEW)
    activate(kit, "old")
    activate(kit, "new")
    both = [releases(kit).roll_back(keep=60, instead_of="new").what for _ in range(2)]
    assert both == ["done", "changed"]
    assert states(kit) == {"old": "active", "new": "standby"}


async def test_none_is_to_end_where_none_is_active(kit):
    worker(kit, OLD), worker(kit, PLAIN)
    activate(kit, "old")
    activate(kit, "plain")
    assert next(r for r in shown(kit).releases if r.name == "old").retires_in_seconds
    activate(kit, "")
    assert [release.retires_in_seconds for release in shown(kit).releases] == [None, None]
    assert kit.client.hget(kit.keys.named("release", "old"), "retires") is None


# Waking.


def waiting(one) -> tuple[threading.Thread, list]:
    """A thread that waits for work as those of workers do, until it gets some."""
    taken: list = []

    def wait():
        claim = one.settle_and_claim(None)
        try:
            while claim is None:
                claim = one.wait()
        except BrokerUnavailable:
            return  # the test is over
        taken.append((claim, time.monotonic()))
        one.settle_and_claim(answer(claim), claim=False)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread, taken


def blocked(kit) -> int:
    return kit.client.info("clients")["blocked_clients"]


async def test_an_activation_wakes_those_who_stand_by(kit):
    """What waits, since nobody of the active release is there, is taken at once."""
    front = await kit.front_broker()
    gone = kit.registration(release=OLD)
    thread, taken = waiting(worker(kit, NEW))
    await eventually(lambda: blocked(kit) == 1)
    gone.leave()
    await kit.put(front, "a")
    began = time.monotonic()
    activate(kit, "new")
    thread.join(10)
    ((claim, at),) = taken
    assert claim.id == "a"
    assert at - began < AT_ONCE


async def test_a_rollback_wakes_all_idle_threads_of_the_release(kit):
    front = await kit.front_broker()
    old = [kit.registration(release=OLD) for _ in range(3)]
    threads = [waiting(kit.worker_broker(one)) for one in old]
    worker(kit, NEW)
    activate(kit, "new")
    await kit.put(front, "a", "b", "c")
    await eventually(lambda: blocked(kit) == 3)
    releases(kit).roll_back(keep=60)
    for thread, _ in threads:
        thread.join(10)
    assert sorted(taken[0][0].id for _, taken in threads) == ["a", "b", "c"]


@pytest.mark.parametrize("number", range(5))
async def test_who_stands_by_swallows_no_bell(kit, number):
    """Also where it blocked on the bells of the queues when it came to stand by."""
    front = await kit.front_broker()
    for _ in range(3):
        waiting(worker(kit, OLD))
    thread, taken = waiting(worker(kit, NEW))
    await eventually(lambda: blocked(kit) == 4)
    activate(kit, "new")
    began = time.monotonic()
    await kit.put(front, "a")
    thread.join(10)
    assert taken[0][0].id == "a"
    assert taken[0][1] - began < AT_ONCE


# For one release alone.


async def test_a_request_for_a_release_is_run_by_it_alone(kit):
    front = await kit.front_broker()
    old, new = worker(kit, OLD), worker(kit, NEW)
    await kit.put(front, "trial", release="new", most=1)
    await kit.put(front, "a")
    claim = old.settle_and_claim(None)
    assert claim.id == "a"
    assert old.settle_and_claim(answer(claim)) is None
    trial = new.settle_and_claim(None)
    assert (trial.id, trial.release) == ("trial", "new")
    assert new.settle_and_claim(answer(trial)) is None
    await kit.put(front, "own", release="old", most=1)
    assert ids_of(new) == []
    assert ids_of(old) == ["own"]
    assert set(await kit.answers(front)) == {"a", "trial", "own"}


async def test_such_a_request_wakes_a_worker_of_its_release(kit):
    front = await kit.front_broker()
    worker(kit, OLD)
    thread, taken = waiting(worker(kit, NEW))
    await eventually(lambda: blocked(kit) == 1)
    began = time.monotonic()
    await kit.put(front, "trial", release="new", most=1)
    thread.join(10)
    assert taken[0][0].id == "trial"
    assert taken[0][1] - began < AT_ONCE


async def test_a_pause_stops_it_too(kit):
    front = await kit.front_broker()
    worker(kit, OLD)
    new = worker(kit, NEW)
    kit.control().pause(("default",), 60, by="me")
    await kit.put(front, "trial", release="new", most=1)
    assert new.settle_and_claim(None) is None
    kit.control().resume(("default",))
    assert new.settle_and_claim(None).id == "trial"


async def test_it_is_withdrawn_as_others_are(kit):
    front = await kit.front_broker()
    worker(kit, OLD)
    await kit.put(front, "trial", release="new", most=1)
    assert await front.withdraw(["trial"]) == ["withdrawn"]
    assert not kit.client.keys("*parked*")
    assert kit.client.hget(kit.keys.state, "parked:default") == b"0"


async def test_handed_back_it_still_waits_for_its_release(kit):
    front = await kit.front_broker()
    old, new = worker(kit, OLD), worker(kit, NEW)
    await kit.put(front, "trial", release="new", most=1)
    claim = new.settle_and_claim(None)
    new.settle_and_claim(answer(claim)._replace(outcome="released", frame=None), claim=False)
    assert old.settle_and_claim(None) is None
    assert new.settle_and_claim(None).id == "trial"


async def test_it_counts_for_no_release_and_no_queue(kit):
    front = await kit.front_broker()
    old, new = worker(kit, OLD), worker(kit, NEW)
    await kit.put(front, "trial", release="new", most=1)
    await kit.put(front, "a", "b")
    assert ids_of(new) == ["trial"]
    assert ids_of(old) == ["a", "b"]
    for one in (old, new):
        one.counts.report(one.worker)
    (queue,) = (queue for queue in shown(kit).queues if queue.name == "default")
    assert (queue.enqueued_total, queue.completed_total) == (2, 2)
    counted = {release.name: release.requests_total for release in shown(kit).releases}
    assert counted == {"old": 2, "new": 0}


# What is lost, and told again.


async def test_after_a_flush_workers_say_which_is_active(kit):
    front = await kit.front_broker()
    old, new = kit.registration(release=OLD), kit.registration(release=NEW)
    activate(kit, "new")
    assert (old.beat("idle"), new.beat("idle")) == (True, True)
    assert (old.stands_by, new.stands_by) == (True, False)
    kit.client.flushall()
    assert not old.beat("idle")
    old.join(given_up=old.worker)
    await front.join({"host": "h", "pid": 1})
    kit.start_numbers_over(front)
    await kit.put(front, "a")
    assert kit.worker_broker(old).settle_and_claim(None) is None
    new.join(given_up=new.worker)
    assert kit.worker_broker(new).settle_and_claim(None).id == "a"
    assert releases(kit).roll_back(keep=60).active == "old"


async def test_the_first_to_come_gives_way_to_what_was_activated(kit):
    """Its worker has just been started, and knows nothing of what the broker has lost."""
    old, new = kit.registration(release=OLD), kit.registration(release=NEW)
    activate(kit, "new")
    new.beat("idle")
    kit.client.flushall()
    kit.registration(release=OwnRelease("newest", 1))
    assert states(kit) == {"newest": "active"}
    new.join(given_up=new.worker)
    assert states(kit) == {"new": "active", "newest": "standby", "old": "gone"}
    assert old.worker


async def test_a_failover_that_forgot_the_last_activation_hears_of_it(kit):
    old, new = kit.registration(release=OLD), kit.registration(release=NEW)
    before = kit.client.hget(kit.keys.state, "activation")
    activate(kit, "new")
    new.beat("idle")
    kit.client.hset(kit.keys.state, "activation", before)
    old.beat("idle")
    assert states(kit)["old"] == "active"
    new.beat("idle")
    assert states(kit) == {"new": "active", "old": "standby"}


# How long it is kept.


async def test_the_one_before_is_kept_for_its_time(kit):
    old, new = kit.registration(release=OLD), kit.registration(release=NEW)
    activate(kit, "new", keep=0.2)
    old.beat("idle")
    assert not old.retired
    await kit.lease_time_after(kit.clock_ms() + 200)
    old.beat("idle"), new.beat("idle")
    assert (old.retired, new.retired) == (True, False)
    old.leave()
    again = kit.registration(release=OLD)  # by hand: it is to stand by once more
    again.beat("idle")
    assert not again.retired


async def test_one_that_is_activated_again_stays(kit):
    old = kit.registration(release=OLD)
    kit.registration(release=NEW)
    activate(kit, "new", keep=0.1)
    assert releases(kit).roll_back(keep=60).active == "old"
    await kit.lease_time_after(kit.clock_ms() + 150)
    old.beat("idle")
    assert not old.retired


# Routes.


def publish(registration, table: bytes, *, anew: bool = False) -> None:
    registration.publish(f"digest of {table.decode()}", table, anew=anew)


async def test_fronts_go_by_the_table_of_the_active_release(kit):
    front = await kit.front_broker()
    old, new = kit.registration(release=OLD), kit.registration(release=NEW)
    publish(old, b"old", anew=True)
    publish(new, b"new", anew=True)
    assert (await front.routes()).table == b"old"
    activate(kit, "new")
    assert (await front.routes()).table == b"new"
    publish(old, b"old")
    assert (await front.routes()).table == b"new"
    releases(kit).roll_back(keep=60)
    assert await front.routes() == (b"digest of old", b"old")


async def test_the_table_of_workers_that_never_stood_by_is_kept_too(kit):
    front = await kit.front_broker()
    plain, new = kit.registration(release=PLAIN), kit.registration(release=NEW)
    publish(plain, b"plain", anew=True)
    publish(new, b"new", anew=True)
    activate(kit, "new")
    assert (await front.routes()).table == b"new"
    releases(kit).roll_back(keep=60)
    assert (await front.routes()).table == b"plain"


async def test_where_no_table_was_ready_the_next_heartbeat_publishes_it(kit):
    front = await kit.front_broker()
    old, new = kit.registration(release=OLD), kit.registration(release=NEW)
    publish(old, b"old", anew=True)
    activate(kit, "new")
    publish(new, b"new")
    assert (await front.routes()).table == b"new"


@pytest.mark.parametrize("name", ["", "-", "two words", "a{b", "x" * 101, "line\n"])
def test_what_is_no_name_of_a_release(name):
    assert not is_release_name(name)
    assert is_release_name("v1.2-3_é")


def test_after_an_end_of_releases_there_is_no_way_back_to_the_same(kit):
    """A release is never the one before itself."""
    worker(kit, OLD), worker(kit, NEW), worker(kit)
    for name in ("new", ""):
        assert activate(kit, name) == "done"
    assert releases(kit).activation().previous == "new"
    assert activate(kit, "new") == "done"
    assert releases(kit).activation().previous is None
    assert releases(kit).roll_back(keep=60).active == ""  # any, as before it
