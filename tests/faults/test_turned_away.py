"""Clients that a front answers by itself, with its broker away or as it stops, are counted."""

import itertools

import pytest

from ..kit.waiting import wait_until

CLIENTS = 20
HOLD = 6.0  # seconds
LEASE = 1.0  # seconds
TOLD_WITHIN = 20  # seconds after the broker is back
numbers = itertools.count()


@pytest.fixture(scope="module", params=["no", "yes"], ids=["forgets", "keeps"])
def site(request, make_site):
    kept = {"appendonly": request.param, "appendfsync": "always"}
    site = make_site(kept, MAX_HOLD=HOLD, LEASE=LEASE, KEEP_ANSWERED=0)
    site.keeps = request.param == "yes"
    site.front()
    return site


def send(site, kind="GET"):
    return [site.send(f"away-{next(numbers)}", kind) for _ in range(CLIENTS)]


def reasons(site) -> dict[str, int]:
    return site.queue()["not_served"]["by_reason"]


def rows(site) -> int:
    """How many rows of history there are: a front writes one each second."""
    return site.broker.client().llen("{queueproxy}:history:1")


def told(site, before: dict[str, int], **expected: int) -> None:
    """Until the status says so much more than before, and no more of anything a while later."""

    def more() -> dict[str, int]:
        now = reasons(site)
        return {why: n - before.get(why, 0) for why, n in now.items() if n > before.get(why, 0)}

    try:
        wait_until(lambda: more() == expected, timeout=TOLD_WITHIN)
    except AssertionError:
        assert more() == expected
    written = rows(site)
    wait_until(lambda: rows(site) >= written + 2, "two more rows")
    assert more() == expected


def test_those_who_came_while_it_was_away(site):
    before = reasons(site) if site.keeps else {}
    site.broker.kill()
    sent = send(site)
    assert {one.outcome().status for one in sent} == {503}
    site.broker.start()
    told(site, before, broker_away=CLIENTS)


def test_those_it_held_before(site):
    """Their requests wait in the broker as it dies, and it comes back when their time is over."""
    before = reasons(site) if site.keeps else {}
    sent = send(site)
    wait_until(lambda: site.queue()["depth"] == CLIENTS, "they wait")
    site.broker.kill()
    assert {one.outcome().status for one in sent} == {504}
    site.broker.start()
    told(site, before, hold_expired_started=CLIENTS)


def test_those_whose_requests_it_forgot(site):
    """They are told so as soon as it is back."""
    if site.keeps:
        pytest.skip("it forgets nothing")
    sent = send(site, "POST")
    wait_until(lambda: site.queue()["depth"] == CLIENTS, "they wait")
    site.broker.kill()
    site.broker.start()
    assert {one.outcome().status for one in sent} == {502}
    told(site, {}, broker_lost=CLIENTS)


def test_those_to_whom_it_says_nothing(site):
    before = reasons(site)
    site.broker.freeze()
    sent = send(site)
    statuses = [one.outcome().status for one in sent]
    site.broker.thaw()
    assert set(statuses) <= {503, 504}

    def since() -> dict[str, int]:
        return {why: n - before.get(why, 0) for why, n in reasons(site).items()}

    try:
        wait_until(lambda: sum(since().values()) == CLIENTS, timeout=TOLD_WITHIN)
    except AssertionError:
        assert sum(since().values()) == CLIENTS, since()
    assert since().get("broker_away", 0) == statuses.count(503)


def test_those_that_a_front_leaves_unanswered_as_it_stops(make_site):
    site = make_site(MAX_HOLD=60)
    front = site.front("--graceful-timeout", "0.5")
    site.workers("--threads", "1")
    running = site.send("runs", "POST", "seconds=10")
    site.run_of("runs")
    waiting = send(site)
    wait_until(lambda: site.queue()["depth"] == CLIENTS, "they wait")
    front.terminate()
    assert {one.outcome().status for one in (running, *waiting)} == {502}
    front.wait(20)
    assert reasons(site) == {"front_stopped": 1 + CLIENTS}
