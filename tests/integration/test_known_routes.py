"""A front learns what workers publish of their URLs, and trusts only what they have signed."""

import logging

import pytest

from queueproxy import route_table
from queueproxy.broker.front_broker import PublishedRoutes
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.front.consumer import ROUTES_WITHIN
from queueproxy.path_patterns import Run
from queueproxy.policy_table import NO_POLICY, Route, RoutePolicy
from queueproxy.route_table import RouteTable

from ..brokers import QUEUES, SECRETS, BrokerKit, eventually
from .test_leaving import Connection

PATH = "/admin/queueproxy/queue/"


def scope(path: str = PATH, **more) -> dict:
    return {"path": path, "raw_path": path.encode(), **more}


def table(*paths: str, secrets=SECRETS, routes=()) -> bytes:
    found = RouteTable("r1", list(paths), list(routes))
    return route_table.encoded(found, route_table.signer(secrets, "kit"))


def put(kit: BrokerKit, raw: bytes) -> None:
    """As a worker publishes it, or somebody who can write to the broker."""
    kit.client.hset(
        kit.keys.routes, mapping={"digest": route_table.table_digest(raw), "table": raw}
    )


async def learns(front, path: str = PATH) -> None:
    await eventually(lambda: front.routes.is_for_operators(scope(path)), f"{path} is in the lane")


async def heartbeats(kit: BrokerKit, number: int) -> None:
    """Wait until the front has sent so many: each makes its lease end later."""
    for _ in range(number):
        before = kit.client.zrange(kit.keys.fronts, 0, -1, withscores=True)
        await eventually(
            lambda was=before: kit.client.zrange(kit.keys.fronts, 0, -1, withscores=True) != was
        )


@pytest.fixture
async def quick(kit, make_front):
    """A front whose heartbeats come often."""
    front = make_front(kit, lease=0.9)
    await eventually(lambda: front.sender.reachable)
    return front


async def test_before_there_is_a_table_nothing_is_in_the_lane(front):
    assert not front.routes.is_for_operators(scope())


async def test_it_is_read_at_the_beginning(kit, make_front):
    put(kit, table(PATH))
    await learns(make_front(kit, lease=60))


async def test_it_is_read_when_there_is_another(kit, quick):
    put(kit, table(PATH))
    await learns(quick)
    put(kit, table("/backstage/"))
    await learns(quick, "/backstage/")
    assert not quick.routes.is_for_operators(scope())


async def test_it_is_read_once(kit, quick, monkeypatch):
    put(kit, table(PATH))
    await learns(quick)
    read = []
    monkeypatch.setattr(quick.routes, "take", read.append)
    await heartbeats(kit, 5)
    assert read == []


@pytest.mark.parametrize(
    "bad",
    [
        table("/run/a/", secrets=("another",)),
        table("/run/a/").replace(b"/run/a/", b"/run/b/"),
        b"nonsense",
        b"",
    ],
    ids=["another's", "altered", "nonsense", "empty"],
)
async def test_a_bad_one_changes_nothing_and_is_said_once(kit, quick, caplog, bad):
    put(kit, table(PATH))
    await learns(quick)
    with caplog.at_level(logging.INFO, "queueproxy.front"):
        put(kit, bad)
        await eventually(lambda: "The published table of routes was refused" in caplog.text)
        await heartbeats(kit, 5)
    told = [text for text in caplog.messages if "table of routes" in text]
    assert len(told) == 1, told
    assert quick.routes.is_for_operators(scope())
    assert not quick.routes.is_for_operators(scope("/run/a/"))
    assert not quick.routes.is_for_operators(scope("/run/b/"))
    put(kit, table("/backstage/"))
    await learns(quick, "/backstage/")


async def test_a_bad_one_under_the_name_of_a_good_one_does_not_hide_it(kit, make_front):
    good = table(PATH)
    put(kit, good)
    kit.client.hset(kit.keys.routes, "table", "nonsense")
    front = make_front(kit, lease=0.9)
    await eventually(lambda: front.sender.reachable)
    put(kit, good)
    await learns(front)


async def test_a_key_of_another_type_stops_nothing_else(kit, quick, caplog):
    put(kit, table(PATH))
    await learns(quick)
    kit.client.set(kit.keys.routes, "x")
    await eventually(lambda: "WRONGTYPE" in caplog.text)
    assert quick.routes.is_for_operators(scope())
    kit.client.delete(kit.keys.routes)
    await eventually(lambda: quick.sender.reachable)
    put(kit, table("/backstage/"))
    await learns(quick, "/backstage/")


async def test_the_last_one_stays_when_the_data_is_lost(kit, quick):
    put(kit, table(PATH))
    await learns(quick)
    kit.client.flushall()
    await eventually(lambda: kit.client.zscore(kit.keys.fronts, quick.id), "it has joined again")
    assert quick.routes.is_for_operators(scope())


async def test_the_raw_path_counts_without_the_place_the_site_is_mounted_at(kit, front):
    raw = table(PATH)
    front.routes.take(PublishedRoutes(route_table.table_digest(raw).encode(), raw))
    assert front.routes.is_for_operators(scope("/app" + PATH, root_path="/app"))
    assert front.routes.is_for_operators(scope(PATH, root_path="/app"))
    assert front.routes.is_for_operators(scope("/%C3%A4" + PATH, root_path="/ä/"))
    assert not front.routes.is_for_operators(scope("/app" + PATH))
    assert not front.routes.is_for_operators(scope("/app/app" + PATH, root_path="/app"))
    assert not front.routes.is_for_operators(
        {"path": PATH, "raw_path": PATH.replace("q", "%71").encode()}
    )


EVERYTHING = [Route([[Run(".", 0)]], policies=[RoutePolicy(queue="low", group="all", at_most=1)])]


async def test_policies_are_read_with_the_table_and_stay_when_the_data_is_lost(kit, quick):
    assert quick.routes.policy(scope("/a/", method="GET")) is NO_POLICY
    put(kit, table(PATH, routes=EVERYTHING))
    await learns(quick)
    kit.client.flushall()
    await eventually(lambda: kit.client.zscore(kit.keys.fronts, quick.id), "it has joined again")
    assert quick.routes.policy(scope("/a/", method="GET")).queue == "low"
    put(kit, table("/backstage/"))
    await learns(quick, "/backstage/")
    assert quick.routes.policy(scope("/a/", method="GET")) is NO_POLICY


async def test_nothing_is_said_of_the_operators_lane(kit, quick):
    put(kit, table(PATH, routes=EVERYTHING))
    await learns(quick)
    assert quick.routes.policy(scope(PATH, method="GET")) is NO_POLICY


@pytest.mark.parametrize(
    "route",
    [
        Route([]),
        Route([[Run("(a+)+")]]),
        Route([[Run("[a]", 5, 2)]]),
        Route([[Run("[a]"), Run("[a]"), "b"]]),
        Route([["a"], [Run("[z-a]")]]),
    ],
    ids=["nothing", "no class", "no number", "slow", "no range"],
)
async def test_a_route_that_can_not_be_matched_safely_spoils_the_table(kit, quick, caplog, route):
    put(kit, table(PATH))
    await learns(quick)
    put(kit, table("/backstage/", routes=[*EVERYTHING, route]))
    await eventually(lambda: "The published table of routes was refused" in caplog.text)
    assert quick.routes.is_for_operators(scope())
    assert quick.routes.policy(scope("/a/", method="GET")) is NO_POLICY


async def test_policies_go_by_the_path_that_django_sees(kit, quick):
    routes = [Route([["ä b/"]], policies=[RoutePolicy(queue="low")])]
    put(kit, table(PATH, routes=routes))
    await learns(quick)
    for path, root in (("/ä b/", ""), ("/app/ä b/", "/app"), ("/ä b/", "/app")):
        about = {"path": path, "raw_path": b"/", "method": "GET", "root_path": root}
        assert quick.routes.policy(about).queue == "low"
    assert quick.routes.policy(scope("*", method="OPTIONS")) is NO_POLICY


async def test_the_first_request_of_a_front_is_treated_as_its_view_says(kit, make_front):
    """It comes before the front has talked to the broker."""
    put(kit, table(routes=EVERYTHING))
    front = make_front(kit, lease=60)
    connection = Connection(
        front,
        method="POST",
        policy=front.routes.policy,
        route=lambda scope, said: said or QUEUES[0],
    )
    await eventually(lambda: kit.client.xlen(kit.keys.named("queue", "low")) == 1)
    connection.disconnect()
    await connection.end()


async def test_a_front_whose_broker_is_away_goes_by_the_settings(make_front, kit):
    """Until its request has to be sent; the seconds count for its hold."""
    front = make_front(kit, address=BrokerAddress("redis://127.0.0.1:1"))
    connection = Connection(front, max_hold=60)
    (held,) = await eventually(lambda: list(front.inbox.held_requests.values()))
    assert 45_000 < held.request.meta.hold_ms <= 60_000 - ROUTES_WITHIN * 1000
    connection.disconnect()
    await connection.end()
