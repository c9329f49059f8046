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
