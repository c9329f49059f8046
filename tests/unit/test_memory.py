"""What one front may keep for its clients, and who goes when that is too much (P8)."""

import contextlib

import pytest

from queueproxy.front.memory import (
    BODIES_SHARE,
    HEADER_OVERHEAD,
    MemoryBudget,
    head_size,
)


@pytest.fixture
def time():
    return [0.0]


@pytest.fixture
def budget(time):
    return MemoryBudget(1000, clock=lambda: time[0])


def reader(budget, cut: list, name: str):
    """A reservation that notes its name when it is cut."""
    reservation = budget.reservation()
    reservation.on_cut = lambda: cut.append(name)
    return reservation


def test_exactly_the_share_fits(budget):
    with budget.reservation() as one:
        assert one.keep(500, BODIES_SHARE)
        assert not one.keep(1, BODIES_SHARE)
        assert one.keep(250)  # who has sent all is held beside stalled uploads
        assert not one.keep(1)
        assert budget.requests == 750


def test_all_is_given_back_however_it_ends(budget):
    with contextlib.suppress(RuntimeError), budget.reservation() as one:
        one.keep(100)
        one.drop(30)
        one.add_answer(50)
        raise RuntimeError
    assert (budget.requests, budget.answers, budget.waited_for) == (0, 0, set())


def test_who_keeps_the_most_for_the_longest_goes(budget, time):
    cut = []
    stalled, quick = reader(budget, cut, "stalled"), reader(budget, cut, "quick")
    stalled.add_answer(400)
    time[0] = 10.0
    quick.add_answer(600)  # just come
    assert cut == []
    quick.add_answer(1)
    assert cut == ["stalled"]
    assert budget.answers == 601


def test_who_takes_some_of_its_answer_stays(budget, time):
    cut = []
    slow, stalled = reader(budget, cut, "slow"), reader(budget, cut, "stalled")
    slow.add_answer(600)
    stalled.add_answer(300)
    time[0] = 10.0
    slow.take_answer(10)
    time[0] = 11.0
    slow.add_answer(200)
    assert cut == ["stalled"]


def test_answers_nobody_takes_make_room_for_requests(budget, time):
    cut = []
    stalled = reader(budget, cut, "stalled")
    stalled.add_answer(900)
    time[0] = 1.0
    with budget.reservation() as request:
        assert request.keep(101)
        assert cut == ["stalled"]
        assert budget.answers == 0


def test_a_head_counts_as_often_as_it_is_there():
    scope = {"raw_path": b"/a", "query_string": b"b", "headers": [(b"x", b"y" * 9)] * 2}
    assert head_size(scope) == 2 * (3 + 20) + 2 * HEADER_OVERHEAD
