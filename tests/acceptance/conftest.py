import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from ..kit.broker_server import BrokerServer, GuardedServer
from ..kit.processes import end
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
def make_shared_site(tmp_path_factory, server):
    """Makes sites for many tests of a module, each with a broker of its own; stops them at last.

    A test takes one by `left_as_found`.
    """
    with ExitStack() as at_last:

        def make(kind: Callable[..., Site] = Site, **settings) -> Site:
            guarded = os.environ.get("QUEUEPROXY_TEST_ACL")
            broker = (GuardedServer if guarded else BrokerServer)().start()
            at_last.callback(broker.stop)
            site = kind(tmp_path_factory.mktemp("site"), broker, server, **settings)
            at_last.callback(site.stop)
            return site

        yield make


@pytest.fixture(scope="module")
def standing_site(make_shared_site) -> Site:
    """A front and a worker for all tests of a module that use `serving`."""
    site = make_shared_site()
    site.front()
    site.workers()
    return site


@pytest.fixture
def serving(standing_site) -> Iterator[Site]:
    """A site that serves, shared with other tests."""
    with left_as_found(standing_site):
        yield standing_site


@pytest.fixture(scope="module")
def standing_front(make_shared_site) -> Site:
    """A front for all tests of a module that use `without_workers`."""
    site = make_shared_site()
    site.front()
    return site


@pytest.fixture
def without_workers(standing_front) -> Iterator[Site]:
    """A site whose front is shared with other tests; workers are for the test to start."""
    with left_as_found(standing_front):
        yield standing_front


@contextmanager
def left_as_found(site: Site) -> Iterator[None]:
    """One test with a shared site: what it starts there ends with it, all else is as before."""
    site.ledger.write_text("")
    wait_until(lambda: site.status()["fronts"], "its front, which listens, is on the list")
    before, own = _processes(site), len(site.processes)
    yield
    wait_until(lambda: _is_still(site), "nothing waits and nothing runs")
    end(site.processes[own:])
    del site.processes[own:]
    wait_until(lambda: _processes(site) == before, "its processes are those that were there")
    assert not site.status()["paused"]
    if isinstance(site.broker, GuardedServer):
        assert site.broker.client().acl_log() == []  # of what was refused to anybody


def _processes(site: Site) -> list[int]:
    """Ids of its fronts and workers, and that those that were started live."""
    assert all(process.poll() is None for process in site.processes)
    status = site.status()
    return sorted(process["pid"] for process in (*status["fronts"], *status["workers"]))


def _is_still(site: Site) -> bool:
    return not any(queue["depth"] or queue["in_flight"] for queue in site.status()["queues"])
