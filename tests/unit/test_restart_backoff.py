"""When a process that ended badly is started again."""

import pytest

from queueproxy.worker.restart_backoff import MOST, RestartBackoff


@pytest.fixture
def restarts(clock):
    return RestartBackoff(clock)


def test_a_death_out_of_the_blue_is_made_good_at_once(restarts):
    assert restarts.died(3600, served=True) == 0
    assert restarts.allowed


def test_one_that_served_for_a_moment_only_waits_a_second(restarts, clock):
    for _ in range(5):
        assert restarts.died(0.5, served=True) == 1
        assert not restarts.allowed
        clock.now += 1
        assert restarts.allowed


def test_those_that_never_serve_wait_ever_longer(restarts, clock):
    pauses = []
    for _ in range(8):
        pauses.append(restarts.died(0.5, served=False))
        clock.now += pauses[-1]
        assert restarts.allowed
    assert pauses == [1, 2, 4, 8, 16, MOST, MOST, MOST]


def test_those_that_die_together_count_once(restarts):
    assert [restarts.died(0.5, served=False) for _ in range(3)] == [1, 1, 1]


def test_one_that_serves_well_ends_it(restarts, clock):
    for _ in range(4):
        clock.now += restarts.died(0.5, served=False)
    assert restarts.died(60, served=True) == 0
    assert restarts.died(0.5, served=False) == 1


def test_a_good_one_does_not_cut_short_the_wait_of_another(restarts):
    restarts.died(0.5, served=False)
    assert restarts.died(60, served=True) == 1
    assert not restarts.allowed
