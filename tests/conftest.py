import os
import signal

import pytest

from .chaos.probe.switch_names import SWITCH_VARIABLE
from .servers import BrokerServer, GuardedServer

# A shell without job control ignores SIGINT in what it starts in the background, and so would all
# that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


if os.environ.get(SWITCH_VARIABLE):
    from .chaos.probe.switches import SWITCHES

    SWITCHES[os.environ[SWITCH_VARIABLE]]()


@pytest.fixture(scope="session")
def broker_server():
    """One private server for the session.

    Where QUEUEPROXY_TEST_ACL is set, each part of a site has a user of its own there.
    """
    server = (GuardedServer if os.environ.get("QUEUEPROXY_TEST_ACL") else BrokerServer)().start()
    yield server
    server.stop()


@pytest.fixture
def broker(broker_server, monkeypatch):
    """The private server, empty, and where the settings point to."""
    broker_server.revive()
    broker_server.client().flushall()
    broker_server.client().acl_log_reset()
    monkeypatch.setenv("QUEUEPROXY_BROKER_URL", broker_server.url)
    yield broker_server
    if isinstance(broker_server, GuardedServer):
        assert broker_server.client().acl_log() == []  # of what was refused to anybody
