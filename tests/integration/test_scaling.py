"""The load as it is measured on a real broker, who does which part of it, what people are told."""

import json
import signal
import time

import pytest

from queueproxy.broker.observe.reader import SnapshotReader
from queueproxy.broker.observe.scaling import SILENT_AFTER, ScalingTold
from queueproxy.broker.own_release import OwnRelease
from queueproxy.broker.scaling_report import tell_scaling
from queueproxy.exceptions import BrokerUnavailable, SchemaMismatch
from queueproxy.worker.scaling.decision import Aims
from queueproxy.worker.scaling.follower import LoadFollower
from queueproxy.worker.scaling.load import Fleet
from queueproxy.worker.scaling.observer import LoadObserver
from queueproxy.worker.scaling.process_range import ProcessRange

from ..brokers import QUEUES, answer
from ..kit.proc import children, cpu_seconds
from ..kit.waiting import wait_until
from .test_worker.worker_site import ended, kill, once_started, told

OWN = "host:1"
CAPACITY = 8


@pytest.fixture
def observer(kit, clock):
    return LoadObserver(kit.link(), OWN, QUEUES, clock)


def told_of(kit, **figures) -> ScalingTold:
    usual = {"at": kit.clock_ms(), "wanted": 4, "running": 3, "least": 2, "most": 8, "slots": 1}
    more = {"queues": list(QUEUES), "serves": True, "why": "the load needs 4"}
    return ScalingTold(**{**usual, **more, **figures})


# The load.


async def test_what_came_and_what_waits(kit, clock, observer):
    front, worker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front, "before")
    assert observer.look(CAPACITY).seconds == 0
    await kit.put(front, "a", "b", "c")
    await kit.put(front, "d", queue="low")
    worker.settle_and_claim(answer(worker.settle_and_claim(None)))
    clock.now += 2
    load = observer.look(CAPACITY)
    assert (load.seconds, load.arrived, load.in_flight, load.depth) == (2, 4, 1, 3)
    wait_until(lambda: observer.look(CAPACITY).oldest_wait > 0.05, "they wait")
    assert not load.held
    clock.now += 1
    assert observer.look(CAPACITY).arrived == 0


async def test_what_is_counted_of_answers(kit, clock, observer):
    front, worker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front, "a")
    observer.look(CAPACITY)
    worker.settle_and_claim(answer(worker.settle_and_claim(None)))
    worker.settle_and_claim(None)
    clock.now += 1
    load = observer.look(CAPACITY)
    assert load.completed == 1
    assert load.run_seconds == pytest.approx(0.001)
    assert (load.depth, load.oldest_wait, load.in_flight) == (0, 0, 0)


async def test_nothing_is_compared_across_an_outage(kit, clock, observer):
    front = await kit.front_broker()
    observer.look(CAPACITY)
    await kit.put(front, "a")
    observer.lost()
    clock.now += 60
    load = observer.look(CAPACITY)
    assert (load.seconds, load.arrived, load.depth) == (0, 0, 1)


async def test_counters_that_begin_anew_are_no_load(kit, clock, observer):
    front = await kit.front_broker()
    await kit.put(front, "a", "b")
    observer.look(CAPACITY)
    kit.client.delete(kit.keys.named("stats", "default"))
    clock.now += 1
    assert observer.look(CAPACITY).arrived == 0


async def test_those_in_the_line_of_their_group_are_not_waited_for(kit, observer):
    """More processes would not run them sooner."""
    front, worker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front, "a", "b", "c", group="one", at_most=1)
    worker.settle_and_claim(None)
    kit.worker_broker().settle_and_claim(None)  # passes over the others
    load = observer.look(CAPACITY)
    assert (load.depth, load.oldest_wait) == (0, 0)


async def test_a_pause_and_a_pace_hold(kit, observer):
    control = kit.control()
    control.pause(["low"], by="ann", reason="", seconds=60)
    assert observer.look(CAPACITY).held == "low is paused"
    control.resume(["low"])
    assert observer.look(CAPACITY).held == ""
    front = await kit.front_broker()
    await kit.put(front, "a")
    control.pause(["default"], by="ann", reason="", seconds=60)
    control.resume(["default"], rate=1)
    assert observer.look(CAPACITY).held == "default is let out at a pace"


async def test_queues_of_others_do_not_count(kit, clock):
    observer = LoadObserver(kit.link(), OWN, ("high",), clock)
    front = await kit.front_broker()
    await kit.put(front, "a", queue="low")
    kit.control().pause(["low"], by="ann", reason="", seconds=60)
    load = observer.look(CAPACITY)
    assert (load.depth, load.held) == (0, "")


def test_a_state_of_another_release_is_refused(kit, observer):
    kit.link().script("sample")
    kit.client.hset(kit.keys.state, "schema", 999)
    with pytest.raises(SchemaMismatch):
        observer.look(CAPACITY)


# Who does which part.


async def test_two_supervisors_share_by_what_they_may_run(kit, observer):
    front = await kit.front_broker()
    await kit.put(front, "a", "b", "c", "d")
    link = kit.link()
    tell_scaling(link, OWN, told_of(kit))
    assert observer.look(CAPACITY).depth == 4  # its own word is no other's
    tell_scaling(link, "host:2", told_of(kit, most=12, slots=2))
    assert observer.look(CAPACITY).depth == 4 * 8 / (8 + 24)
    tell_scaling(link, "host:2", told_of(kit, most=12, slots=2, fits=4))
    assert observer.look(CAPACITY).depth == 4 * 8 / (8 + 8)  # its memory is enough for no more
    tell_scaling(link, "host:2", told_of(kit, most=12, slots=2, queues=["low"]))
    assert observer.look(CAPACITY).depth == 4
    tell_scaling(link, "host:2", told_of(kit, serves=False))
    assert observer.look(CAPACITY).depth == 4
    tell_scaling(link, "host:2", told_of(kit, at=kit.clock_ms() - SILENT_AFTER - 1))
    assert observer.look(CAPACITY).depth == 4
    tell_scaling(link, "host:2", None)
    tell_scaling(link, OWN, None)
    assert not kit.client.exists(kit.keys.scaling)


async def test_one_that_was_silent_for_a_minute_is_forgotten(kit):
    link = kit.link()
    tell_scaling(link, "host:2", told_of(kit, at=kit.clock_ms() - 60_001))
    tell_scaling(link, "host:3", told_of(kit, at=kit.clock_ms() - 50_000))
    kit.client.hset(kit.keys.scaling, "host:4", "no report")
    tell_scaling(link, OWN, told_of(kit))
    assert {name.decode() for name in kit.client.hkeys(kit.keys.scaling)} == {OWN, "host:3"}
    assert 0 < kit.client.pttl(kit.keys.scaling) <= 60_000


async def test_fixed_workers_do_their_part(kit, clock, observer):
    kit.registration()
    standby = kit.registration(release=OwnRelease("next", 1))
    infos = {"follows_load": True, "queues": list(QUEUES), "threads": 4, "host": "h", "pid": 9}
    for registration, info in (
        (kit.registration(), {"queues": ["low"], "threads": 3}),
        (kit.registration(), infos),
        (kit.registration(), {"queues": ["other"], "threads": 5}),
        (standby, {"queues": ["low"], "threads": 7, "release": "next", "standby": True}),
    ):
        kit.client.hset(kit.keys.named("worker", registration.worker), "info", json.dumps(info))
    assert observer.look(CAPACITY).other_slots == 3
    kit.client.hset(kit.keys.named("worker", standby.worker), "info", json.dumps(infos))
    clock.now += 5
    assert observer.look(CAPACITY).other_slots == 3


# In its thread.


class Supervised:
    """A follower without a supervisor."""

    def __init__(self, broker, **aims):
        usual = {"range": ProcessRange(1, 4), "slots": 1, "target_wait": 0.05, "fewer_after": 60}
        self.woken = 0
        self.follower = LoadFollower(broker, Aims(**{**usual, **aims}), QUEUES, self._wake)
        self.follower.fleet = Fleet(serving=1)
        self.follower.start()

    def _wake(self):
        self.woken += 1

    def close(self):
        self.follower.stop()
        self.follower.join()


@pytest.fixture
def supervised(kit):
    supervised = Supervised(kit.broker)
    yield supervised
    supervised.close()


async def test_it_wants_more_where_some_wait_and_says_so(kit, supervised):
    front = await kit.front_broker()
    await kit.put(front, *map(str, range(50)))
    wait_until(lambda: supervised.follower.wanted > 1, "more are wanted")
    assert supervised.woken >= 1
    reader = SnapshotReader(kit.link(), QUEUES)
    (one,) = wait_until(lambda: reader.snapshot().scaling.supervisors, "it is told")
    assert (one.running, one.least, one.most) == (1, 1, 4)
    supervised.close()
    assert reader.snapshot().scaling.supervisors == []


async def test_the_range_that_is_told_is_the_one_asked_for(kit, supervised):
    """Whatever the memory is enough for: that moves, and those that are there stay."""
    front = await kit.front_broker()
    await kit.put(front, *map(str, range(50)))
    supervised.follower.fleet = Fleet(serving=4)
    wait_until(lambda: supervised.follower.wanted == 4, "more are wanted")
    supervised.follower.fleet = Fleet(serving=4, fits=3)
    reader = SnapshotReader(kit.link(), QUEUES)

    def found():
        return [one for one in reader.snapshot().scaling.supervisors if one.fits]

    (one,) = wait_until(found, "it is told")
    assert (one.wanted, one.least, one.most, one.fits, one.reach) == (4, 1, 4, 3, 3)
    assert "4 processes wanted (1 to 4), 4 running" in one.text
    supervised.follower.raise_least(3)

    def raised():
        return [one for one in reader.snapshot().scaling.supervisors if one.least > 1]

    (one,) = wait_until(raised, "it is told")
    assert (one.wanted, one.least, one.most) == (4, 4, 4)


async def test_a_broker_that_is_away_changes_nothing(kit, supervised, broker, caplog):
    front = await kit.front_broker()
    await kit.put(front, *map(str, range(50)))
    wait_until(lambda: supervised.follower.wanted > 1, "more are wanted")
    broker.kill()
    wait_until(lambda: supervised.follower.why == "the broker is away", "noticed")
    wanted = supervised.follower.wanted
    broker.start()
    wait_until(lambda: supervised.follower.why != "the broker is away", "it is back")
    assert supervised.follower.wanted >= wanted
    lines = [line for line in caplog.messages if "can't be followed" in line]
    assert len(lines) == 1


# What people are told.


def wanted(kit) -> int:
    return SnapshotReader(kit.link(), QUEUES).snapshot().scaling.wanted


async def test_without_a_supervisor_that_follows_it_is_what_the_load_needs(kit):
    assert wanted(kit) == 1
    front = await kit.front_broker()
    for number in range(3):
        worker = kit.worker_broker(kit.registration())
        await kit.put(front, f"run-{number}")
        worker.settle_and_claim(None)
    await kit.put(front, *map(str, range(10)))
    link = kit.link()
    reader = SnapshotReader(link, QUEUES)

    def look():
        link.script("sample", *QUEUES)
        return reader.snapshot().scaling

    found = wait_until(lambda: (now := look()).wanted > 3 and now, "more than there are")
    assert found.running == 3
    kit.control().pause(["low"], by="ann", reason="", seconds=60)
    assert wanted(kit) == 3  # a pause asks for nobody
    assert "paused" in look().why


async def test_with_supervisors_it_is_what_they_have_decided(kit):
    kit.registration()  # one that is fixed
    tell_scaling(kit.link(), OWN, told_of(kit, wanted=4, why="a"))
    tell_scaling(kit.link(), "host:2", told_of(kit, wanted=3, why="b"))
    tell_scaling(kit.link(), "host:3", told_of(kit, wanted=9, why="c", serves=False))
    found = SnapshotReader(kit.link(), QUEUES).snapshot()
    assert (found.scaling.wanted, found.scaling.running, found.scaling.why) == (8, 1, "a; b")
    told = found.as_status()["scaling"]
    assert [one["supervisor"] for one in told["supervisors"]] == [OWN, "host:2", "host:3"]


async def test_what_is_no_report_is_left_out(kit):
    kit.client.hset(kit.keys.scaling, "host:4", "no report")
    found = SnapshotReader(kit.link(), QUEUES).snapshot()
    assert found.scaling.supervisors == []
    assert found.unreadable == 1


def test_it_can_not_be_told_where_the_broker_is_away(kit, broker):
    link = kit.link()
    broker.kill()
    try:
        with pytest.raises(BrokerUnavailable):
            tell_scaling(link, OWN, None)
    finally:
        broker.start()


# Beside what else a supervisor does.


@pytest.fixture
def site_settings():
    return {"SCALE_DOWN_AFTER": 1}


def test_signals_move_the_least(workers):
    supervisor = workers.start("--processes", "1..2")
    supervisor.send_signal(signal.SIGTTIN)
    workers.serve(supervisor, 2)
    supervisor.send_signal(signal.SIGTTOU)
    workers.serve(supervisor, 1)
    assert len(told(supervisor, "Wanted processes: 1 instead of 2")) == 1


def test_fresh_code_and_a_death(workers):
    supervisor = workers.start("--processes", "2..3", number=2)
    old = workers.pids()
    supervisor.send_signal(signal.SIGHUP)
    once_started(lambda: told(supervisor, "Reload: done"))
    workers.serve(supervisor, 2)
    assert not set(old) & set(workers.pids())
    victim = workers.pids()[0]
    kill(victim)
    wait_until(lambda: victim not in children(supervisor.pid))
    workers.serve(supervisor, 2)
    supervisor.terminate()
    assert ended(supervisor) == 0
    assert workers.status()["scaling"]["supervisors"] == []


def test_code_that_can_not_be_loaded(workers):
    workers.brittle.touch()
    supervisor = workers.manage("runqueueworker", "--processes", "2..3")
    assert ended(supervisor) == 4
    assert workers.status()["scaling"]["supervisors"] == []


def test_it_sits_still(workers):
    """At rest it asks twice a second, and costs next to nothing."""
    supervisor = workers.start("--processes", "1..2")
    before, began = cpu_seconds(supervisor.pid), time.monotonic()
    wait_until(lambda: time.monotonic() > began + 4)
    assert cpu_seconds(supervisor.pid) - before < 0.15
