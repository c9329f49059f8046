import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from httpx._transports import default as transports
from hypothesis import HealthCheck, settings

from .chaos.probe.switch_names import SWITCH_VARIABLE
from .kit.broker_server import BrokerServer, GuardedServer
from .kit.hand_clock import HandClock
from .kit.missing import Missing

# A shell without job control ignores SIGINT in what it starts in the background, and so would all
# that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Each request by httpx that has no client of its own reads the machine's certificates: ten times
# the processor time of all else that it does.
transports.create_ssl_context = cache(transports.create_ssl_context)

# A busy machine makes some examples slow, and says nothing of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


if os.environ.get(SWITCH_VARIABLE):
    from .chaos.probe.switches import SWITCHES

    SWITCHES[os.environ[SWITCH_VARIABLE]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup():
    """Skip a test whose fixtures can't have what they need."""
    with skipping():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """Skip a test that can't have what it needs."""
    with skipping():
        return (yield)


@contextmanager
def skipping() -> Iterator[None]:
    """Skip where something is missing; fail in CI, which must have it."""
    try:
        yield
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing.what} is missing in CI")
        pytest.skip(f"needs {missing.what}")


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


@pytest.fixture
def clock():
    """Time as the test says."""
    return HandClock()
