import os
from collections.abc import Iterator

import pytest

from ..kit.broker_server import BrokerServer, GuardedServer
from ..kit.ready_commands import ready_commands
from ..kit.waiting import wait_until
from .site import Site


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request):
    return request.param


@pytest.fixture
def make_site(tmp_path, broker, server):
    """Makes a Site with the given QUEUEPROXY settings; stops it at the end."""
    sites = []

    def make(**settings) -> Site:
        site = Site(tmp_path, broker, server, **settings)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.stop()


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture(scope="module")
def queueproxy():
    """Runs a command to its end, at once: ``queueproxy(site, *words)``; see `ready_commands`."""
    with ready_commands() as commands:
        yield commands.run


@pytest.fixture(scope="module")
def standing_site(tmp_path_factory, server) -> Iterator[Site]:
    """A front and a worker for all tests of a module that use `serving`; a broker of its own."""
    broker = (GuardedServer if os.environ.get("QUEUEPROXY_TEST_ACL") else BrokerServer)().start()
    site = Site(tmp_path_factory.mktemp("site"), broker, server)
    try:
        site.front()
        site.workers()
        yield site
    finally:
        site.stop()
        broker.stop()


@pytest.fixture
def serving(standing_site) -> Iterator[Site]:
    """A site that serves, shared with other tests: each leaves it as it has found it."""
    standing_site.ledger.write_text("")
    before = _processes(standing_site)
    yield standing_site
    wait_until(lambda: _is_still(standing_site), "nothing waits and nothing runs")
    assert _processes(standing_site) == before
    assert not standing_site.status()["paused"]


def _processes(site: Site) -> list[int]:
    """Ids of its fronts and workers, and that those that were started live."""
    assert all(process.poll() is None for process in site.processes)
    status = site.status()
    return sorted(process["pid"] for process in (*status["fronts"], *status["workers"]))


def _is_still(site: Site) -> bool:
    return not any(queue["depth"] or queue["in_flight"] for queue in site.status()["queues"])
