"""Times by route: counted by workers, bounded by the script, read as any window."""

import pytest

from queueproxy.broker.observe.routes import MINUTE, WINDOWS, RouteReader, RouteTimes
from queueproxy.broker.route_counts import (
    LONGEST,
    MOST_ROUTES,
    NO_ROUTE,
    OTHER,
    Timed,
    route_name,
)

from ..brokers import counts_by_route, ids_of

HOUR = 3600


def report(kit, *runs: tuple) -> None:
    """What a worker thread tells: route, seconds waited, seconds run, whether it failed."""
    args = counts_by_route([Timed(*run) for run in runs])
    kit.link().script("add_counts", "worker", "", 0, len(args) // 2, 0, 0, 0, *args)


def times_of(kit, window: str = "15m") -> dict[str, RouteTimes]:
    return {route.name: route for route in RouteReader(kit.link()).routes(WINDOWS[window]).times}


def key_of(kit, length: int, second: int) -> str:
    return kit.keys.named("history", f"routes:{length}:{second // length * length}")


def put_period(kit, length: int, second: int, **counts: str) -> None:
    """What was counted a while ago, by name of a route without its slash."""
    found = {f"/{name}": text for name, text in counts.items()}
    kit.client.hset(key_of(kit, length, second), mapping=found)


async def sample_from(kit, second: int) -> None:
    """The sample that follows one of that second."""
    front_broker = await kit.front_broker()
    kit.client.hset(kit.keys.state, "sampled", second)
    await front_broker.sample()


async def test_reports_of_several_threads_add_up(kit):
    report(kit, ("/a/", 0.003, 0.3, False), ("/a/", 0.003, 0.3, True), ("/b/", 0.2, 0.004, False))
    report(kit, ("/a/", 4.0, 0.3, False), (NO_ROUTE, 0.0, 0.001, False))
    found = times_of(kit)
    assert set(found) == {"/a/", "/b/", NO_ROUTE}
    slow = found["/a/"]
    assert (slow.requests, slow.errors, slow.wait.count) == (3, 1, 3)
    assert slow.run.seconds == pytest.approx(0.9)
    assert 0.25 <= slow.run.percentile(0.5) <= 0.5
    assert slow.wait.percentile(0.5) <= 0.005 < 2.5 <= slow.wait.percentile(0.99) <= 5


@pytest.mark.parametrize("edge", [0.005, 0.25, 120])
async def test_a_bucket_holds_its_own_upper_end(kit, edge):
    report(kit, ("/a/", 0, edge, False), ("/a/", 0, edge * 1.001, False))
    buckets = times_of(kit)["/a/"].run.buckets
    assert sorted(number for number in buckets if number) == [1, 1]


async def test_of_many_routes_the_rest_is_one(kit):
    """One report has a hundred at most, and so has a period, whoever reports."""
    for turn in range(3):
        report(kit, *((f"/{turn}/{n}/", 0.0, 0.1, False) for n in range(MOST_ROUTES + 50)))
    found = times_of(kit)
    assert len(found) <= MOST_ROUTES + 1
    assert sum(route.requests for route in found.values()) == 3 * (MOST_ROUTES + 50)
    assert found[OTHER].requests == 450 - len(found) + 1
    assert kit.client.hlen(key_of(kit, MINUTE, kit.now_ms() // 1000)) == len(found)


async def test_longer_periods_are_made_of_minutes(kit):
    now = kit.now_ms() // 1000
    minute = now // MINUTE * MINUTE
    put_period(kit, MINUTE, minute - 60, a="r7=2 rus=600000 w1=2 wus=8", b="r1=1 rus=9 e=1")
    put_period(kit, MINUTE, minute - 120, a="r7=3 rus=900000 w1=3 wus=8")
    await sample_from(kit, minute - 121)
    for length in (600, 3 * HOUR):
        found = kit.client.hgetall(key_of(kit, length, minute - 60))
        before = kit.client.hgetall(key_of(kit, length, minute - 120))
        parts = [RouteTimes("/a")]
        for text in {found[b"/a"], before[b"/a"]}:
            parts[0].add(text)
        assert (parts[0].requests, round(parts[0].run.seconds, 3)) == (5, 1.5)
        assert b"=" not in found
    for window in WINDOWS:
        found = times_of(kit, window)
        assert set(found) == {"/a", "/b"}, window
        assert (found["/a"].requests, found["/b"].errors) == (5, 1), window


async def test_a_minute_is_added_once(kit):
    """Though the clock goes back over its end."""
    minute = kit.now_ms() // 1000 // MINUTE * MINUTE
    put_period(kit, MINUTE, minute - 60, a="r7=2 rus=600000")
    for _ in range(2):
        await sample_from(kit, minute - 61)
        assert times_of(kit, "1d")["/a"].requests == 2


async def test_the_minute_that_is_shows_in_every_window(kit):
    report(kit, ("/a/", 0.0, 0.1, False))
    for window in WINDOWS:
        assert times_of(kit, window)["/a/"].requests == 1


async def test_of_a_longer_period_the_bound_is_the_same(kit):
    minute = kit.now_ms() // 1000 // MINUTE * MINUTE
    full = {f"old{n}": "r1=1 rus=1" for n in range(MOST_ROUTES)}
    put_period(kit, 600, minute - 60, **full)
    put_period(kit, MINUTE, minute - 60, new="r1=5 rus=1", old7="r1=2")
    await sample_from(kit, minute - 61)
    found = kit.client.hgetall(key_of(kit, 600, minute - 60))
    assert len(found) == MOST_ROUTES + 1
    assert found[OTHER.encode()] == b"r1=5 rus=1"
    assert b"r1=3" in found[b"/old7"]


async def test_everything_expires(kit):
    minute = kit.now_ms() // 1000 // MINUTE * MINUTE
    report(kit, ("/a/", 0.0, 0.1, False))
    put_period(kit, MINUTE, minute - 60, a="r7=2 rus=600000")
    await sample_from(kit, minute - 61)
    kit.client.delete(key_of(kit, MINUTE, minute - 60))  # put by hand, without an end
    keys = kit.client.keys(kit.keys.named("history", "routes:*"))
    assert len(keys) == 3
    for key in keys:
        length = int(key.split(b":")[3])
        reach = max(window.reach for window in WINDOWS.values() if window.period == length)
        assert reach + length <= kit.client.ttl(key) <= reach + 2 * length + 300


async def test_a_young_broker_says_since_when(kit):
    routes = RouteReader(kit.link()).routes(WINDOWS["1d"])
    assert routes.times == []
    report(kit, ("/a/", 0.0, 0.1, False))
    routes = RouteReader(kit.link()).routes(WINDOWS["1d"])
    assert abs(routes.counted_since - routes.end) < 5
    assert routes.as_json(routes.times[0])["per_second"] >= 0.2  # not one a day
    kit.client.hset(kit.keys.state, "routes_since", int(routes.end) - 2 * 86400)
    routes = RouteReader(kit.link()).routes(WINDOWS["1d"])
    assert routes.counted_since is None
    assert 86400 - 600 <= routes.seconds <= 86400


async def test_one_route_period_by_period(kit):
    now = kit.now_ms() // 1000
    minute = now // MINUTE * MINUTE
    kit.client.hset(kit.keys.state, "routes_since", minute - 180)
    put_period(kit, MINUTE, minute - 120, a="r7=2 rus=600000", b="r1=9")
    report(kit, ("/a", 0.0, 0.3, False))
    ends, periods = RouteReader(kit.link()).one(WINDOWS["15m"], "/a")
    assert ends[:-1] == [minute - 120, minute - 60, minute][-len(ends) + 1 :]
    assert [period.requests for period in periods] == [0, 2, 0, 1]
    for window in WINDOWS:
        ends, periods = RouteReader(kit.link()).one(WINDOWS[window], "/a")
        assert abs(ends[-1] - now) <= 2
        assert sum(period.requests for period in periods) == 3


async def test_what_strangers_wrote_there_stops_nobody(kit):
    now = kit.now_ms() // 1000
    kit.client.set(key_of(kit, MINUTE, now), "no hash")
    report(kit, ("/a/", 0.0, 0.1, False))
    assert times_of(kit) == {}
    kit.client.delete(key_of(kit, MINUTE, now))
    text = "w99=4 r1=x r2=3 rus=-5 \xff w1=4"
    kit.client.hset(key_of(kit, MINUTE, now), b"\xff", text.encode("latin-1"))
    (found,) = times_of(kit).values()
    assert (found.run.buckets[1], found.wait.buckets[0]) == (3, 4)
    kit.client.set(key_of(kit, MINUTE, now - 60), "no hash")
    await sample_from(kit, now - 61)


async def test_an_answered_request_is_counted_by_its_route(kit):
    front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
    await kit.put(front_broker, "a", "b", "c")
    ids_of(worker_broker)  # settled without a route: none of them was run
    worker_broker.counts.report(worker_broker.worker)
    assert times_of(kit) == {}


def test_names():
    assert route_name("a/<int:id>/") == "/a/<int:id>/"
    assert route_name("") == "/"
    assert route_name(None) == NO_ROUTE
    long = route_name("x" * 300)
    assert len(long) == LONGEST
    assert route_name("x" * (LONGEST - 1)) == "/" + "x" * (LONGEST - 1)
