"""What a front answers itself is counted until the broker has taken it, and told once."""

import pytest

from queueproxy.front.http.refusals import BODY_TOO_LARGE, BROKER_AWAY, FRONT_FULL, QUEUE_FULL
from queueproxy.front.refusal_counts import RefusalCounts, Telling

QUEUES = ("ops", "high", "default", "low")


@pytest.fixture
def counts():
    return RefusalCounts(QUEUES)


def test_by_queue_and_reason(counts):
    for queue in ("low", "low", "high", ""):
        counts.add(BROKER_AWAY, queue)
    counts.add(FRONT_FULL)
    expected = {
        ("low", "broker_away"): 2,
        ("high", "broker_away"): 1,
        ("default", "broker_away"): 1,
        ("default", "front_full"): 1,
    }
    assert counts.next("now") == Telling(1, expected)


def test_what_the_broker_counts_and_what_clients_are_to_blame_for(counts):
    counts.add(QUEUE_FULL, "low")
    counts.add(BODY_TOO_LARGE, "low")
    assert counts.next("now") is None


@pytest.mark.parametrize(
    ("queues", "expected"), [(("ops", "a", "b", "c"), "b"), (("ops", "one"), "one")]
)
def test_never_the_operators_lane_where_nothing_was_read(queues, expected):
    counts = RefusalCounts(queues)
    counts.add(FRONT_FULL)
    assert list(counts.next("now").counts) == [(expected, "front_full")]


def test_told_once(counts):
    counts.add(BROKER_AWAY, "low")
    assert counts.next("now").number == 1
    counts.taken()
    assert counts.next("now") is None
    counts.add(BROKER_AWAY, "low")
    assert counts.next("now") == Telling(2, {("low", "broker_away"): 1})


def test_what_did_not_arrive_or_may_have_is_told_again_under_its_number(counts):
    counts.add(BROKER_AWAY, "low")
    first = counts.next("now")
    counts.add(BROKER_AWAY, "low")  # for the next time
    assert counts.next("now") is first
    counts.uncertain("now")
    assert counts.next("now") is first
    counts.taken()
    assert counts.next("now") == Telling(2, {("low", "broker_away"): 1})


def test_what_certainly_did_not_arrive_is_told_under_the_next_registration(counts):
    counts.add(BROKER_AWAY, "low")
    first = counts.next("")
    assert counts.next("later") is first


def test_what_may_have_arrived_is_dropped_once_its_number_is_forgotten(counts):
    counts.add(BROKER_AWAY, "low")
    counts.next("now")
    counts.uncertain("now")
    assert counts.next("later") is None
    counts.add(BROKER_AWAY, "high")
    assert counts.next("later").counts == {("high", "broker_away"): 1}
