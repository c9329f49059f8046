"""A worker publishes the paths of the operators' lane, and runs nothing else there."""

import logging

import msgspec.structs
import pytest

from queueproxy import route_table
from queueproxy.broker.operate.control import Control
from queueproxy.route_table import RouteTable
from queueproxy.worker import published_routes

from ...brokers import QUEUES, SECRETS, eventually

LANE = {"queues": ("ops", *QUEUES)}
SIGNER = route_table.signer(SECRETS, "kit")
MINE = RouteTable("", ["/run/mine/"])


@pytest.fixture
def routes(monkeypatch):
    """What the worker finds in its URLconf."""
    monkeypatch.setattr(published_routes, "route_table", lambda release: MINE)


def published(kit) -> RouteTable | None:
    raw = kit.client.hget(kit.keys.routes, "table")
    return raw and route_table.read(raw, SIGNER)


async def test_it_publishes_once_it_serves(kit, client, start_worker, routes):
    worker = start_worker(**LANE)
    await eventually(lambda: "serving" in worker.told)
    assert published(kit) == MINE


async def test_it_publishes_nothing_before_it_serves(kit, start_worker, routes, monkeypatch):
    monkeypatch.setattr("queueproxy.worker.migrations.pending_migrations", lambda: 1)
    worker = start_worker(**LANE, require_migrations=True, lease=0.6)
    await eventually(lambda: worker.id)
    start = kit.client.zscore(kit.keys.workers, worker.id)
    await eventually(lambda: kit.client.zscore(kit.keys.workers, worker.id) > start)
    assert published(kit) is None


async def test_it_publishes_again_what_was_lost(kit, client, start_worker, routes):
    worker = start_worker(**LANE, lease=0.9)
    await eventually(lambda: published(kit))
    before = worker.id
    kit.client.flushall()
    await eventually(lambda: published(kit) == MINE)
    assert worker.id != before


async def test_what_its_table_has_runs_in_the_lane(client, start_worker, routes):
    start_worker(**LANE)
    assert await client.status(await lane(client, "/run/mine/")) == 200
    assert await client.status(await lane(client, "/run/mine/", method="POST")) == 200
    assert await client.status(await lane(client, "/app/run/mine/", root_path="/app")) == 200


@pytest.mark.parametrize("path", ["/run/other/", "/run/%6Dine/", "/run/mine", "//run/mine/"])
async def test_what_its_table_lacks_is_not_run_there(
    kit, client, start_worker, routes, state, path, caplog
):
    """As where the front goes by the table of another release."""
    start_worker(**LANE)
    id = await lane(client, path, method="POST")
    assert await client.notice(id) == "misrouted"
    assert state.runs == []
    assert "its path is none of the operators' lane here" in caplog.text
    assert Control(kit.link()).dead_letters() == []
    assert await client.status(await client.ask("/run/other/")) == 200


async def test_what_another_worker_may_have_run_is_not_promised_to_be_unrun(
    kit, client, start_worker, routes
):
    id = await lane(client, "/run/other/")
    lost = kit.registration()
    assert kit.worker_broker(lost, queues=LANE["queues"]).settle_and_claim(None).id == id
    lost.leave()
    start_worker(**LANE)
    assert await client.notice(id) == "worker_lost"


async def test_a_urlconf_that_can_not_be_read_closes_the_lane_only(
    kit, client, start_worker, monkeypatch, caplog
):
    found = []

    def read(release):
        if not found:
            raise SystemExit("no")
        return found[0]

    monkeypatch.setattr(published_routes, "route_table", read)
    with caplog.at_level(logging.INFO, "queueproxy.worker"):
        start_worker(**LANE, lease=0.9)
        assert await client.status(await client.ask("/run/a/")) == 200
        assert await client.notice(await lane(client, "/run/mine/")) == "misrouted"
        assert caplog.text.count("The table of routes can't be published") == 1
        found.append(MINE)
        await eventually(lambda: published(kit) == MINE)
    assert await client.status(await lane(client, "/run/mine/")) == 200


async def test_a_table_that_is_too_large_is_said_once(
    kit, client, start_worker, monkeypatch, caplog
):
    large = RouteTable("", [f"/run/{n}/" for n in range(route_table.MOST_PATHS + 1)])
    monkeypatch.setattr(published_routes, "route_table", lambda release: large)
    worker = start_worker(**LANE, lease=0.6)
    await beats(kit, worker, 3)
    assert caplog.text.count("The table of routes can't be published") == 1
    assert published(kit) is None
    assert await client.status(await lane(client, "/run/7/")) == 200


async def test_a_key_of_another_type_does_not_end_the_worker(
    kit, client, start_worker, routes, caplog
):
    kit.client.set(kit.keys.routes, "x")
    worker = start_worker(**LANE, lease=0.6)
    await beats(kit, worker, 3)
    assert caplog.text.count("The table of routes can't be published") == 1
    assert await client.status(await lane(client, "/run/mine/")) == 200
    kit.client.delete(kit.keys.routes)
    await eventually(lambda: published(kit) == MINE)


async def lane(client, path: str, **changes) -> str:
    """A request in the operators' lane, as a front puts it there; its id."""
    order = client.encoded_request(path, queue="ops", **changes)
    order = msgspec.structs.replace(order, queue="ops")
    await client.kit.send(client.front_broker, order)
    return order.id


async def beats(kit, worker, number: int) -> None:
    """Wait for so many heartbeats: each makes the worker's lease end later."""
    await eventually(lambda: worker.id)
    for _ in range(number):
        before = kit.client.zscore(kit.keys.workers, worker.id)
        await eventually(lambda was=before: kit.client.zscore(kit.keys.workers, worker.id) != was)
