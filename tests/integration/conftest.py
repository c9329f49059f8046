import contextlib
from dataclasses import replace

import pytest
import redis

from queueproxy.front.front import Front, FrontOptions

from ..brokers import QUEUES, SECRETS, BrokerKit, eventually
from ..kit.clocks import ShiftedServer
from .test_worker.worker_site import PROBE, WorkerSite, client_of


@pytest.fixture(scope="module")
def shifted():
    """A server whose clock can be set."""
    server = ShiftedServer().start()
    yield server
    server.stop()


@pytest.fixture
async def kit(broker):
    """Desks and worker_brokers of one namespace on a real, empty broker."""
    kit = BrokerKit(broker.url)
    yield kit
    await kit.close()


@pytest.fixture
async def make_front():
    """Makes a started front of an kit's namespace; stops it at the end."""
    fronts = []

    def make(kit: BrokerKit, lease: float = 15.0, **other: object) -> Front:
        broker = replace(kit.broker, lease=lease, **other)
        options = FrontOptions(broker, QUEUES, SECRETS, 1000, 1 << 24, 1 << 26, 1 << 26, None)
        front = Front(options)
        fronts.append(front)
        front.start()
        return front

    yield make
    for front in fronts:
        await front.stop()


@pytest.fixture
async def front(kit, make_front):
    """A started front that has joined."""
    front = make_front(kit)
    await eventually(lambda: front.sender.reachable)
    return front


# Workers as processes of their own, and who asks them.


@pytest.fixture
def site_settings():
    """What is set otherwise in QUEUEPROXY; for a module to override."""
    return {}


@pytest.fixture
def workers(tmp_path, broker, site_settings):
    """Supervisors and workers of the probe site, as real processes."""
    workers = WorkerSite(tmp_path, broker, PROBE, **site_settings)
    yield workers
    workers.stop()


@pytest.fixture
def front_lease():
    """Seconds for which the front of those who ask may say nothing; for a module to override."""
    return 90.0  # in which no test gives it time to say anything


@pytest.fixture
async def client(broker, front_lease):
    """Asks them, at a front that only receives."""
    kit = BrokerKit(broker.url, namespace="queueproxy", lease=front_lease)
    yield await client_of(kit)
    await kit.close()


@contextlib.asynccontextmanager
async def kit_of_user(broker, user: str, password: str):
    """A kit that connects as a user whose rights can be taken; its client is the test's own."""
    broker.add_user(user, password)
    kit = BrokerKit(f"unix://{user}:{password}@{broker.socket}")
    kit.client.close()
    kit.client = redis.Redis.from_url(broker.url, protocol=2)
    yield kit
    await kit.close()
    broker.client().acl_deluser(user)
    broker.client().acl_log_reset()
