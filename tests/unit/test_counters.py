"""What is counted of a settlement, and what is not."""

import pytest

from queueproxy.broker import counters
from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.counters import COUNT_EVERY, ROUTES_EVERY, Counting
from queueproxy.broker.route_counts import MOST_ROUTES, OTHER, Timed
from queueproxy.route_table import OPS_QUEUE

from ..brokers import counts_by_route


def claim(queue: str = "default", release: str | None = None) -> Claim:
    return Claim("a", queue, "1-1", 1, 20, "1", b"", b"", b"", "f", 2, release=release)


def taken(*settlements: Settlement) -> tuple:
    """The arguments of ``add_counts`` behind the release: answers, routes, what is counted."""
    counting = Counting()
    for settlement in settlements:
        counting.settled(settlement)
    _, _, answers, routes, _, _, _, *counts = counting.take("worker")
    return answers, routes, counts[: 2 * routes], counts[2 * routes :]


def test_an_answer():
    one = Settlement(claim(), "answered", None, "GET", 0.3, 500, route="/a/")
    answers, routes, by_route, counts = taken(one, one)
    assert (answers, routes) == (2, 1)
    assert by_route == ["/a/", "wus=40000 rus=600000 w3=2 r7=2 e=2"]
    assert counts[:3] == ["default", "wait:3", 2]


@pytest.mark.parametrize(
    ("outcome", "error"), [("abandoned", False), ("bad_response", True), ("view_timeout", True)]
)
def test_what_was_run_without_an_answer(outcome, error):
    answers, routes, by_route, counts = taken(Settlement(claim(), outcome, ran=1.0, route="/a/"))
    assert (answers, routes, counts) == (0, 1, [])
    assert ("e=1" in by_route[1]) is error


@pytest.mark.parametrize(
    "settlement",
    [
        Settlement(claim(), "answered", None, "GET", 0.3, 200),  # answered from what was stored
        Settlement(claim(OPS_QUEUE), "answered", None, "GET", 0.3, 200, route="/admin/"),
        Settlement(claim(release="r1"), "answered", None, "GET", 0.3, 200, route="/a/"),  # smoke
        Settlement(claim(), "released", route="/a/"),
        Settlement(claim(), "misrouted", route="/a/"),
    ],
)
def test_what_is_not_counted_by_route(settlement):
    assert taken(settlement)[1] == 0


def test_of_many_routes_the_rest_is_one():
    counts = counts_by_route(Timed(f"/{n}/", 0, 0, False) for n in range(MOST_ROUTES + 20))
    names = counts[::2]
    assert len(names) == MOST_ROUTES + 1
    assert names[-1] == OTHER
    assert counts[-1] == "wus=0 rus=0 w1=20 r1=20"


def test_what_is_counted_by_route_is_told_more_seldom(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(counters.time, "monotonic", lambda: now)
    counting = Counting()
    one = Settlement(claim(), "answered", None, "GET", 0.3, 200, route="/a/")

    def told() -> tuple[int, int]:
        """Answers, and routes."""
        return counting.take("worker")[2:4]

    counting.settled(one)
    assert told() == (1, 1)  # the first at once
    for _ in range(2):
        now += COUNT_EVERY
        counting.settled(one)
        assert told() == (1, 0)
    assert not counting.pending  # so that an idle thread is left alone until then
    assert counting.idle_for(15) == pytest.approx(ROUTES_EVERY - 2 * COUNT_EVERY)
    now += ROUTES_EVERY
    assert counting.is_due
    _, _, answers, routes, _, _, _, *counts = counting.take("worker")
    assert (answers, routes) == (0, 1)
    assert counts == ["/a/", "wus=40000 rus=600000 w3=2 r7=2"]
    assert not counting.kept_back
    assert counting.idle_for(15) == 15
    counting.settled(one)
    assert counting.take("worker", all_of_it=True)[2:4] == (1, 1)  # at the end of a thread
