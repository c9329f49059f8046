import asyncio

import pytest
from django.db import connections


@pytest.fixture
def no_connection():
    """No connection to the database in this thread, as in a worker that has just begun.

    Tests with a database keep theirs open to the end of the session, and Django looks at those
    that are open whenever a request starts or ends.
    """
    kept = {connection.alias: connection for connection in connections.all(initialized_only=True)}
    for alias in kept:
        del connections[alias]
    yield
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]
    for alias, connection in kept.items():
        connections[alias] = connection


@pytest.fixture
async def own_time(monkeypatch):
    """The event loop has a time of its own, which passes at once while nothing else is to do.

    So a busy machine makes nobody late, and limits are met exactly.
    """
    loop = asyncio.get_running_loop()
    began, passed, select = loop.time(), 0.0, loop._selector.select

    def pass_time(timeout):
        nonlocal passed
        if not timeout:  # something is to do, or no time is waited for
            return select(timeout)
        passed += timeout
        return select(0)

    monkeypatch.setattr(loop, "time", lambda: began + passed)
    monkeypatch.setattr(loop._selector, "select", pass_time)
