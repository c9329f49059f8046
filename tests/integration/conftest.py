import pytest

from queueproxy.front.holding import Front, FrontOptions

from ..brokers import QUEUES, SECRETS, Office, eventually


@pytest.fixture
async def office(broker):
    """Desks and seats of one namespace on a real, empty broker."""
    office = Office(broker.url)
    yield office
    await office.close()


@pytest.fixture
async def make_front():
    """Makes a started front of an office's namespace; stops it at the end."""
    fronts = []

    def make(office: Office, lease: float = 15.0) -> Front:
        options = FrontOptions(office.target, "office", QUEUES, SECRETS, lease, 1000, 1 << 24)
        front = Front(options)
        fronts.append(front)
        front.start()
        return front

    yield make
    for front in fronts:
        await front.stop()


@pytest.fixture
async def front(office, make_front):
    """A started front that has joined."""
    front = make_front(office)
    await eventually(lambda: front.courier.reachable)
    return front
