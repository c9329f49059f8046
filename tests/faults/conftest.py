import pytest

from ..kit.broker_server import BrokerServer
from .fault_site import FaultSite
from .table import TABLE


@pytest.fixture(scope="module")
def make_site(tmp_path_factory):
    """Makes a FaultSite with the given QUEUEPROXY settings; stops it at the end of the module.

    Each has a broker of its own, that may be hurt: `broker` has options of its configuration,
    `server` its class.
    """
    sites: list[FaultSite] = []

    def make(
        broker: dict[str, str] | None = None, *, server: type = BrokerServer, **settings
    ) -> FaultSite:
        started = server(**(broker or {})).start()
        sites.append(FaultSite(tmp_path_factory.mktemp("site"), started, **settings))
        return sites[-1]

    yield make
    for site in sites:
        site.stop()
        site.broker.stop()


def pytest_sessionfinish(session):
    """Tell the process that has the terminal, where this is another (xdist)."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["faults"] = TABLE.rounds()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for one in getattr(node, "workeroutput", {}).get("faults", ()):
        TABLE.add(*one)


def pytest_terminal_summary(terminalreporter):
    for line in TABLE.lines():
        terminalreporter.write_line(line)
