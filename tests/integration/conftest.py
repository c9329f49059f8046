from dataclasses import replace

import pytest

from queueproxy.front.front import Front, FrontOptions

from ..brokers import QUEUES, SECRETS, BrokerKit, eventually
from ..clocks import ShiftedServer


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
