import pytest

from .servers import BrokerServer


@pytest.fixture(scope="session")
def broker_server():
    """One private server for the session."""
    server = BrokerServer().start()
    yield server
    server.stop()


@pytest.fixture
def broker(broker_server, monkeypatch):
    """The private server, empty, and where the settings point to."""
    broker_server.revive()
    broker_server.client().flushall()
    monkeypatch.setenv("QUEUEPROXY_BROKER_URL", broker_server.url)
    return broker_server
