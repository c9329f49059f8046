"""What was not served as wanted is sorted as the front answers it."""

import pytest

from queueproxy.broker.observe.not_served import WORDS, not_served
from queueproxy.front.http.refusals import _BY_REASON, for_failure

from .test_refusals import ALL

KINDS = {503: "turned_away", 504: "too_late", 502: "lost", 500: "lost"}
COUNTED_BY_FRONTS = [refusal for refusal in ALL if refusal.reason]


@pytest.mark.parametrize("reason", [*_BY_REASON, "bad_response", "front_lost", "of_tomorrow"])
def test_a_reason_counts_as_what_its_client_is_answered(reason):
    found = not_served({reason: 2})
    assert getattr(found, KINDS[for_failure(reason).status]) == 2
    assert found.turned_away + found.too_late + found.lost + found.view_errors == 2


@pytest.mark.parametrize("reason", _BY_REASON)
def test_every_reason_has_words(reason):
    assert reason in WORDS


@pytest.mark.parametrize("refusal", COUNTED_BY_FRONTS, ids=lambda one: f"{one.status} {one.reason}")
def test_so_does_one_that_a_front_has_counted(refusal):
    assert refusal.reason in WORDS
    assert getattr(not_served({refusal.reason: 2}), KINDS[refusal.status]) == 2


def test_no_reason_of_the_broker_is_counted_by_the_front_too():
    assert {for_failure(reason).reason for reason in (*_BY_REASON, "bad_response")} == {""}


def test_it_is_said_in_a_line():
    found = not_served({"queue_full": 5, "hold_expired": 3, "worker_lost": 2, "view_timeout": 0})
    assert found.text == "8 turned away, 2 lost"
    assert found.why == "queue full: 5, waited for MAX_HOLD: 3, worker lost: 2"
    assert not_served({"5xx": 1, "view_timeout": 1}).text == "1 too late, 1 error of a view"
    assert not_served({"queue_full": 0}).text == ""
