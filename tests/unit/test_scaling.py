"""How many processes are decided for: up at once, down slowly, never where it must not."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queueproxy.demand import CLEAR_WITHIN, processes_for, slots_needed
from queueproxy.worker.scaling import memory as memory_module
from queueproxy.worker.scaling.decision import LATE_FOR, STEPS_DOWN, Aims, Decider, Needs
from queueproxy.worker.scaling.load import Fleet, Load
from queueproxy.worker.scaling.measures import USUAL, Measures
from queueproxy.worker.scaling.memory import (
    AGAIN_AFTER,
    GROWN,
    LOOK_EVERY,
    ROOM_TO_GROW,
    MemoryShare,
)
from queueproxy.worker.scaling.process_range import ProcessRange

from ..simulated_day import SimulatedSite

AIMS = Aims(ProcessRange(2, 16), slots=1, target_wait=0.1, fewer_after=300)
LOOK = 0.5  # seconds between two looks


class Following:
    """A decider, and the time that it is asked at; what it wants serves at once, unless told."""

    def __init__(self, aims: Aims = AIMS):
        self.decider = Decider(aims)
        self.now = 0.0
        self.serving = aims.range.least
        self.decided: list[int] = []

    def look(self, load: Load | None, fleet: Fleet | None = None, times: int = 1) -> int:
        for _ in range(times):
            self.now += LOOK
            decision = self.decider.decide(self.now, load, fleet or Fleet(self.serving))
            self.serving, self.why = decision.wanted, decision.why
            self.decided.append(decision.wanted)
        return self.serving


def load(rate: float, run: float = 0.05, **more) -> Load:
    """So many requests a second that run for so long each, and are answered as they come."""
    arrived = rate * LOOK
    figures = {"in_flight": rate * run, "completed": arrived, "run_seconds": arrived * run}
    return Load(seconds=LOOK, arrived=arrived, **{**figures, **more})


IDLE = load(0)


# What a load needs.


def test_the_reserve_is_the_square_root():
    assert slots_needed(0) == 0
    assert slots_needed(4) == 6
    assert slots_needed(100) == 110
    assert slots_needed(4, depth=40, run_seconds=0.1) == 6 + 40 * 0.1 / CLEAR_WITHIN
    assert slots_needed(4, depth=10, run_seconds=60) == 16  # a request needs no more than a slot
    assert [processes_for(slots, 4) for slots in (0, 4, 4.0000001, 4.1)] == [1, 1, 1, 2]


# Up.


def test_the_first_look_at_a_request_that_has_waited_too_long_has_more():
    following = Following()
    following.look(load(20), times=40)
    assert following.serving == 2 + 0
    late = load(200, in_flight=2, completed=20, run_seconds=1, depth=80, oldest_wait=0.11)
    assert following.look(late) >= 8
    assert following.why.startswith("the oldest request has waited 110 ms, ")


def test_the_target_is_the_limit():
    for wait, more in ((0.1, False), (0.101, True)):
        following = Following()
        following.look(load(20), times=40)
        number = following.look(load(20, depth=80, oldest_wait=wait))
        assert (number > 2) is more


def test_more_arrivals_have_more_before_anybody_waits():
    following = Following()
    assert following.look(load(80), times=20) == 6
    assert following.why == "the load needs 6"


def test_views_that_hang_have_more_though_none_is_answered():
    following = Following()
    following.look(load(20), times=40)
    hanging = Load(LOOK, arrived=10, in_flight=2, depth=30, oldest_wait=3)
    assert following.look(hanging, times=20) == 16
    assert following.why.endswith("; there may be no more")


def test_where_all_serve_and_some_wait_all_the_same_there_are_more_step_by_step():
    """The figures say that it is enough, and it is not: an estimate is but that."""
    following = Following()
    late = load(10, oldest_wait=0.2, depth=1)
    following.look(late, times=1 + int(LATE_FOR / LOOK))
    assert following.serving == 3
    assert following.look(late, Fleet(serving=2, starting=1), times=10) == 3  # it boots still
    assert following.look(late, Fleet(serving=3)) == 4


def test_slots_of_others_do_their_part():
    following = Following()
    assert following.look(load(200, other_slots=10), times=40) == math.ceil(10 + 10**0.5 - 10)
    assert following.look(load(20, other_slots=100)) >= 2


@pytest.mark.parametrize("slots", [1, 4, 64])
def test_slots_count_not_processes(slots):
    following = Following(Aims(ProcessRange(1, 64), slots, 0.1, 300))
    assert following.look(load(500), times=40) == math.ceil((25 + 5) / slots)


# Down.


def test_fewer_once_no_more_were_needed_for_long_and_one_by_one():
    following = Following()
    following.look(load(100), times=20)
    most = following.serving
    since = following.now
    while following.serving == most:
        following.look(IDLE)
    assert 300 <= following.now - since <= 300 + USUAL
    assert following.serving == most - 1
    assert "no more than" in following.why
    assert following.why.endswith("were needed for 5 min")
    since = following.now
    while following.serving == most - 1:
        following.look(IDLE)
    assert following.now - since == pytest.approx(300 / STEPS_DOWN, abs=LOOK)
    assert following.serving == most - 2
    following.look(IDLE, times=2000)
    assert following.serving == 2  # the least


def test_a_load_that_comes_back_in_time_keeps_them():
    following = Following()
    for _ in range(5):
        following.look(load(100), times=40)
        following.look(IDLE, times=500)  # 250 s
    assert set(following.decided[40:]) == {following.serving}


def test_needs_know_nothing_before_their_time_is_over():
    needs = Needs(10)
    needs.add(0, 3)
    needs.add(9.9, 1)
    assert needs.most(9.9) is None
    assert needs.most(10) == 3
    needs.add(10.1, 2)
    assert needs.most(10.1) == 2  # the 3 is more than ten seconds ago
    needs.forget()
    assert needs.most(100) is None


# Neither.


@pytest.mark.parametrize(
    ("fleet", "held", "why"),
    [
        (Fleet(serving=6), "default is paused", "default is paused"),
        (Fleet(serving=6, stands_by=True), "", "its release stands by"),
        (Fleet(serving=6, held="processes are being replaced"), "", "processes are being replaced"),
    ],
)
def test_held(fleet, held, why):
    following = Following()
    following.look(load(80), times=20)
    assert following.serving == 6
    waiting = load(500, depth=5000, oldest_wait=50, held=held)
    assert following.look(waiting, fleet, times=50) == 6
    assert following.why == why
    idle = IDLE._replace(held=held)
    assert following.look(idle, fleet, times=1000) == 6
    # What was measured meanwhile counts for nothing: all of the time has to pass again.
    assert following.look(IDLE, times=599) == 6
    assert following.look(IDLE, times=200) < 6


def test_while_the_broker_is_away():
    following = Following()
    following.look(load(80), times=20)
    assert following.look(None, times=1000) == 6
    assert following.why == "the broker is away"


# Limits.


def test_the_memory_is_a_limit():
    following = Following()
    late = load(500, depth=100, oldest_wait=1)
    assert following.look(late, Fleet(2, fits=5), times=20) == 5
    assert following.why.endswith("; the memory is enough for about 5")
    assert following.look(late, Fleet(5, fits=4), times=20) == 5  # those that are there stay
    assert following.look(late, Fleet(5, fits=100), times=20) == 16
    assert Following().look(late, Fleet(2, fits=1), times=20) == 2  # the least is the least


def test_the_least_may_be_raised_and_lowered():
    following = Following()
    following.decider.raise_least(+3)
    assert following.look(IDLE) == 5
    following.decider.raise_least(+100)
    assert following.look(IDLE) == 16
    following.decider.raise_least(-100)
    assert following.decider.range == (1, 16)
    following.look(IDLE, times=3000)
    assert following.serving == 1


def test_what_was_measured_is_forgotten():
    measures = Measures()
    for _ in range(100):
        measures.add(load(100))
    assert measures.load(USUAL) == pytest.approx(5)
    for _ in range(int(USUAL / LOOK)):
        measures.add(IDLE)
    assert measures.load(USUAL) == 0
    assert measures.run_seconds == pytest.approx(0.05)
    assert not Measures().run_seconds
    assert not Measures().arrivals(1)


LOADS = st.builds(
    Load,
    seconds=st.sampled_from([0.0, 0.5, 3.0]),
    arrived=st.floats(0, 1e6),
    completed=st.floats(0, 1e6),
    run_seconds=st.floats(0, 1e6),
    in_flight=st.floats(0, 1e4),
    depth=st.floats(0, 1e6),
    oldest_wait=st.floats(0, 1e5),
    other_slots=st.floats(0, 1e4),
    held=st.sampled_from(["", "", "", "default is paused"]),
)
FLEETS = st.builds(
    Fleet,
    serving=st.integers(0, 20),
    starting=st.integers(0, 20),
    fits=st.none() | st.integers(1, 30),
    held=st.sampled_from(["", "", "replaced"]),
    stands_by=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.none() | LOADS, FLEETS), max_size=60), st.integers(1, 64))
def test_whatever_is_measured(measured, slots):
    """Always within the range; never another number while it is held; down by one at most."""
    decider = Decider(Aims(ProcessRange(2, 16), slots, 0.1, 5))
    before = 2
    for number, (seen, fleet) in enumerate(measured):
        wanted, why = decider.decide(number * 0.7, seen, fleet)
        assert 2 <= wanted <= 16
        assert why
        if seen is None or seen.held or fleet.held or fleet.stands_by:
            assert wanted == before
        assert wanted >= before - 1
        assert wanted <= max(before, 16 if fleet.fits is None else fleet.fits)
        before = wanted


# A day of a site, in a model.

DAY = 720.0  # seconds
BURSTS = (150.0, 350.0, 575.0)
BURST = 30.0  # seconds


def rate_of_the_day(now: float) -> float:
    """Little at night and much at noon, and bursts of three times as many."""
    usual = 10 + 90 * (1 - math.cos(2 * math.pi * now / DAY)) / 2
    return usual * 3 if any(at <= now < at + BURST for at in BURSTS) else usual


@pytest.mark.parametrize("slots", [1, 4])
def test_a_day(slots):
    site = SimulatedSite(Aims(ProcessRange(2, 32), slots, 0.1, 60), rate_of_the_day, 310)
    site.run(DAY)
    assert site.share_within(0.1) >= 0.95
    for burst in BURSTS:
        assert site.turns(burst - 5, burst + BURST + 100) <= 2, site.wanted
    assert site.turns() <= 2 * len(BURSTS) + 1, site.wanted  # and the day itself
    assert max(number for _, number in site.wanted) > 2
    assert site.wanted[-1][1] < max(number for _, number in site.wanted)


def test_a_step_of_ten_times_the_load():
    """The decision for more comes within a second."""
    site = SimulatedSite(AIMS, lambda now: 150 if now > 30 else 15, 150)
    site.run(60)
    before = max(number for at, number in site.wanted if at <= 30)
    assert before <= 4
    first = next(at for at, number in site.wanted if number > before)
    assert 30 <= first <= 31
    late = [wait for came, wait in site.waits if came > 35]
    assert sum(wait <= 0.1 for wait in late) / len(late) >= 0.95


# Memory.


class Child:
    """As much of a process as its memory needs."""

    def __init__(self, pid: int, *, serving: bool = True):
        self.process = self
        self.pid = pid
        self.serving = serving


class Memory:
    """Processes and their sizes."""

    def __init__(self, most: int, **sizes: int):
        self.sizes = {int(name[1:]): size for name, size in sizes.items()}
        self.children = [Child(pid) for pid in self.sizes]
        self.share = MemoryShare(most, lambda pid: self.sizes[pid])

    def grown(self, number: int) -> int | None:
        self.share._due = 0.0
        child = self.share.grown(self.children, number)
        return child and child.pid


def test_the_largest_that_has_grown_past_its_share():
    memory = Memory(400, p1=50, p2=50, p3=60)
    assert memory.grown(4) is None
    memory.sizes |= {1: 100, 2: 100}
    assert memory.grown(4) is None  # its share, to the byte
    memory.sizes |= {1: 101, 2: 300}
    assert memory.grown(4) == 2
    assert memory.grown(1) is None  # fewer have more each
    memory.children[1].serving = False
    assert memory.grown(4) == 1


def test_for_how_many_it_is_enough():
    memory = Memory(600, p1=50, p2=50)
    assert memory.share.fits is None
    memory.grown(2)
    assert memory.share.fits == 600 / (50 * ROOM_TO_GROW)
    memory.sizes |= {1: 500}
    memory.grown(2)
    assert memory.share.fits == 8  # by what they take as they begin
    assert Memory(10, p1=50).grown(1) is None


def test_too_small_a_share_replaces_nobody_without_end(caplog):
    memory = Memory(100, p1=90, p2=90)
    for _ in range(3):
        assert memory.grown(2) is None
    assert len([one for one in caplog.messages if "too small" in one]) == 1
    memory.sizes |= {1: int(90 * GROWN)}
    assert memory.grown(2) is None
    memory.sizes |= {1: int(90 * GROWN) + 1}
    assert memory.grown(2) == 1


def test_a_replacement_that_does_not_come_up_is_not_tried_at_once(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(memory_module.time, "monotonic", lambda: now)
    memory = Memory(100, p1=20)
    assert memory.grown(1) is None
    memory.sizes |= {1: 101}
    assert memory.grown(1) == 1
    memory.share.put_off()
    now += AGAIN_AFTER - 1
    assert memory.share.grown(memory.children, 1) is None
    now += 1
    assert memory.share.grown(memory.children, 1) is memory.children[0]
    now += LOOK_EVERY / 2
    assert memory.share.grown(memory.children, 1) is None  # it looks once a second


def test_a_process_that_has_ended_has_no_size():
    memory = Memory(100, p1=0)
    assert memory.grown(1) is None
    assert memory.share.fits is None


def test_none_goes_while_others_boot():
    """It may take them longer than fewer must have been enough for."""
    following = Following()
    wanted = following.look(load(200), times=20)
    assert wanted > 2
    few = load(1)
    assert following.look(few, Fleet(serving=1, starting=wanted - 1), times=3000) == wanted
    assert following.look(few, Fleet(serving=wanted), times=3000) < wanted
