import pytest

from ..brokers import Office


@pytest.fixture
async def office(broker):
    """Desks and seats of one namespace on a real, empty broker."""
    office = Office(broker.url)
    yield office
    await office.close()
