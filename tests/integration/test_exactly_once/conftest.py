from itertools import count

import pytest
from django.db import connections

from ...kit import mariadb
from ...kit.missing import Missing
from ...kit.postgres import PostgresServer
from ..test_worker.conftest import client, start_worker, state  # noqa: F401
from . import views
from .databases import ALIAS, mariadb_database, postgresql, sqlite

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server():
    server = PostgresServer().start()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server, monkeypatch, django_db_blocker):
    """A database on PostgreSQL, under the alias that the views name."""
    with postgresql(postgres_server, next(_numbers)) as found:
        yield from _under_alias(found, monkeypatch, django_db_blocker)


@pytest.fixture
def sqlite_file(tmp_path, monkeypatch, django_db_blocker):
    """The same as a file of SQLite."""
    yield from _under_alias(sqlite(tmp_path), monkeypatch, django_db_blocker)


@pytest.fixture(scope="session")
def mariadb_server():
    if not mariadb.is_available():
        raise Missing("MariaDB, or a driver for it")
    mariadb.use_driver()
    server = mariadb.MariaDBServer().start()
    yield server
    server.stop()


@pytest.fixture
def maria(mariadb_server, monkeypatch, django_db_blocker):
    """The same on MariaDB."""
    with mariadb_database(mariadb_server, next(_numbers)) as found:
        yield from _under_alias(found, monkeypatch, django_db_blocker)


@pytest.fixture(params=["postgres", "maria"])
def server_database(request):
    """Those of a server, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["postgres", "sqlite_file", "maria"])
def database(request):
    """One after the other."""
    return request.getfixturevalue(request.param)


def _under_alias(found, monkeypatch, blocker):
    monkeypatch.setitem(connections.settings, ALIAS, found.settings)
    with blocker.unblock():
        found.make_tables()
        yield found
        connections[ALIAS].close()
        del connections[ALIAS]


@pytest.fixture
def start(start_worker, settings, state):  # noqa: F811
    """Starts a worker of the views of this directory."""

    def start(**options):
        settings.ROOT_URLCONF = views.__name__
        settings.SECRET_KEY = "a key that is long enough to sign something with it, for tests"
        return start_worker(**options)

    yield start
    for gate in state.gates.values():
        gate.set()
