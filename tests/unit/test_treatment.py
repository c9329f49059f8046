"""How a front treats a request: settings, what the view says, which of them wins."""

from dataclasses import replace

import pytest

from queueproxy.front.consumer_options import ConsumerOptions
from queueproxy.front.routing import Router
from queueproxy.front.treatment import FENCED_ATTEMPTS, may_be_sent_again, treatment
from queueproxy.policy_table import NO_POLICY, RoutePolicy

OPTIONS = ConsumerOptions(
    max_hold=60,
    max_body=1,
    max_attempts=3,
    retry_methods=frozenset(("GET",)),
    trusted_proxies=(),
    server_timing=False,
    route=Router([{"path": "/ruled/", "queue": "high"}], ("high", "default", "low")),
)


def treated(policy: RoutePolicy, method: str = "GET", path: str = "/"):
    options = replace(OPTIONS, policy=lambda scope: policy)
    return treatment({"method": method, "path": path, "headers": []}, options)


def test_without_a_policy():
    for options in (OPTIONS, replace(OPTIONS, policy=lambda scope: NO_POLICY)):
        found = treatment({"method": "GET", "path": "/", "headers": []}, options)
        assert found == ("default", 60, 3, "", 0, "")


def test_with_one():
    policy = RoutePolicy(queue="low", max_hold=120, repeat=True, group="a", at_most=4)
    assert treated(policy, "POST") == ("low", 120, 3, "a", 4, "")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_what_may_be_repeated_anyway_needs_no_fence(method):
    found = treated(RoutePolicy(exactly_once="orders"), method)
    assert (found.fenced, found.max_attempts) == ("", 3 if method == "GET" else 1)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_happens_once_is_started_more_often(method):
    found = treated(RoutePolicy(exactly_once="orders"), method)
    assert (found.fenced, found.max_attempts) == ("orders", FENCED_ATTEMPTS)


def test_a_rule_wins_for_the_queue():
    assert treated(RoutePolicy(queue="low"), path="/ruled/").queue == "high"


@pytest.mark.parametrize(
    ("repeat", "attempts"), [(None, {"GET": 3, "POST": 1}), (True, {"GET": 3, "POST": 3})]
)
def test_repeat_wins_over_the_methods(repeat, attempts):
    policy = RoutePolicy(repeat=repeat)
    assert {one: treated(policy, one).max_attempts for one in attempts} == attempts
    assert treated(RoutePolicy(repeat=False), "GET").max_attempts == 1


@pytest.mark.parametrize("hold", [0, -1, 3601, 1e300])
def test_a_hold_that_can_not_be_meant_is_that_of_the_settings(hold):
    assert treated(RoutePolicy(max_hold=hold)).max_hold == 60


def test_a_group_without_a_limit_is_none():
    assert treated(RoutePolicy(group="a")).group == ""


@pytest.mark.parametrize(
    ("policy", "method", "headers", "expected"),
    [
        (NO_POLICY, "GET", [], True),
        (NO_POLICY, "POST", [], False),
        (NO_POLICY, "POST", [(b"idempotency-key", b"a")], False),  # its view knows no such thing
        (RoutePolicy(repeat=True), "POST", [], True),
        (RoutePolicy(repeat=False), "GET", [], False),
        # Without a key the one that is sent again is another request.
        (RoutePolicy(exactly_once="orders"), "POST", [], False),
        (RoutePolicy(exactly_once="orders"), "POST", [(b"idempotency-key", b"a")], True),
        (RoutePolicy(exactly_once="orders"), "GET", [], True),
    ],
)
def test_what_a_client_may_send_once_more(policy, method, headers, expected):
    options = replace(OPTIONS, policy=lambda scope: policy)
    scope = {"method": method, "path": "/", "headers": headers}
    assert may_be_sent_again(scope, options) is expected
