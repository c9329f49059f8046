"""A namespace in a cluster: all its keys on one node, which every link finds from any other."""

from types import SimpleNamespace

import pytest

from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.link.links import AsyncLink, Link
from queueproxy.exceptions import BrokerUnavailable
from queueproxy.keys import Keys

from ..acceptance.site import Site
from ..brokers import BrokerKit
from ..kit.clusters import Cluster
from ..kit.waiting import wait_until

KEYS = Keys("queueproxy")


@pytest.fixture(scope="module")
def cluster():
    nodes = Cluster()
    try:
        yield nodes.start()
    finally:
        nodes.stop()


@pytest.mark.parametrize("given", [0, 1, 2])
async def test_the_node_is_found_from_any_node(cluster, given):
    target = BrokerAddress(cluster.url(given))
    blocking, asynchronous = Link(target, KEYS, "t", 1000), AsyncLink(target, KEYS, "t", 1000)
    owner = cluster.ports[cluster.owner_of(KEYS.state)]
    assert blocking.commands([("HSET", KEYS.state, "a", given)]) in ([0], [1])
    assert await asynchronous.commands([("HGET", KEYS.state, "a")]) == [str(given).encode()]
    assert (blocking._connection.port, asynchronous._connection.port) == (owner, owner)
    blocking.close()
    await asynchronous.close()
    cluster.nodes[cluster.owner_of(KEYS.state)].delete(KEYS.state)


async def test_a_slot_that_moves_is_followed(cluster):
    target = BrokerAddress(cluster.url(0))
    blocking, asynchronous = Link(target, KEYS, "t", 1000), AsyncLink(target, KEYS, "t", 1000)
    read = ("HGET", KEYS.state, "a")
    assert blocking.commands([read]) == await asynchronous.commands([read]) == [None]
    for _ in range(3):
        to = (cluster.owner_of(KEYS.state) + 1) % 3
        cluster.move(KEYS.state, to)
        with pytest.raises(BrokerUnavailable, match=str(cluster.ports[to])):
            blocking.commands([read])  # told so; nothing was done
        with pytest.raises(BrokerUnavailable):
            await asynchronous.commands([read])
        assert blocking.commands([read]) == await asynchronous.commands([read]) == [None]
        port = cluster.ports[to]
        assert (blocking._connection.port, asynchronous._connection.port) == (port, port)
    blocking.close()
    await asynchronous.close()


async def test_namespaces_spread_over_the_nodes_and_each_works(cluster):
    names = {}
    for number in range(60):  # until each node has one
        names.setdefault(cluster.owner_of(Keys(f"site{number}").state), f"site{number}")
    assert len(names) == 3
    for owner, name in names.items():
        kit = BrokerKit(cluster.url((owner + 1) % 3), namespace=name)
        front_broker, worker_broker = await kit.front_broker(), kit.worker_broker()
        await kit.put(front_broker, "one")
        claim = worker_broker.settle_and_claim(None)
        assert claim.id == "one"
        await kit.close()
        node = cluster.nodes[owner]
        assert node.keys(f"{{{name}}}:*")


def test_the_whole_system_over_three_nodes(cluster, tmp_path):
    broker = SimpleNamespace(url_of=lambda role: cluster.url(2))
    site = Site(tmp_path, broker, "uvicorn")
    try:
        site.front(QUEUEPROXY_BROKER_URL=cluster.url(0))
        site.workers(QUEUEPROXY_BROKER_URL=cluster.url(1))
        assert site.get("/run/a/").status_code == 200
        waiting = site.in_background("GET", "/run/b/?seconds=1")
        wait_until(lambda: site.runs("b"), "it runs")
        assert waiting.result().status_code == 200
        assert len(site.runs("a")) == len(site.runs("b")) == 1
    finally:
        site.stop()
