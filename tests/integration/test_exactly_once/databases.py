"""Databases in which the tests' views have their effects, looked at past Django."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.db import connections

from queueproxy.models import Execution

from ...kit.mariadb import MariaDBServer
from ...kit.postgres import PostgresServer

ALIAS = "once"
TABLE = "CREATE TABLE effects (nonce varchar(100))"
EMPTY = {"TIME_ZONE": None, "TEST": {}, "AUTOCOMMIT": True, "CONN_HEALTH_CHECKS": False}


class Database:
    """A database with the table of executions and one of effects.

    Args:
        settings: as in DATABASES.
    """

    def __init__(self, settings: dict):
        self.settings = connections.settings["default"] | EMPTY | settings

    @property
    def is_postgresql(self) -> bool:
        return "postgresql" in self.settings["ENGINE"]

    @property
    def is_sqlite(self) -> bool:
        return "sqlite" in self.settings["ENGINE"]

    @property
    def is_mariadb(self) -> bool:
        return "mysql" in self.settings["ENGINE"]

    def connect(self):
        """A connection that is not Django's, in autocommit."""
        if self.is_postgresql:
            return psycopg.connect(
                host=self.settings["HOST"],
                user=self.settings["USER"],
                dbname=self.settings["NAME"],
                autocommit=True,
            )
        if self.is_mariadb:
            import MySQLdb

            return _Connection(
                MySQLdb.connect(
                    unix_socket=self.settings["HOST"],
                    user="root",
                    database=self.settings["NAME"],
                    autocommit=True,
                )
            )
        return sqlite3.connect(self.settings["NAME"], isolation_level=None)

    def query(self, sql: str) -> list[tuple]:
        with contextlib.closing(self.connect()) as connection:
            return list(connection.execute(sql).fetchall())

    def do(self, sql: str) -> None:
        with contextlib.closing(self.connect()) as connection:
            connection.execute(sql)

    @property
    def effects(self) -> list[str]:
        """What views have done and committed."""
        return sorted(nonce for (nonce,) in self.query("SELECT nonce FROM effects"))

    @property
    def rows(self) -> list[tuple[str, int | None]]:
        """Requests that have a row, and the status of its answer."""
        return self.query("SELECT request, status FROM queueproxy_execution ORDER BY request")

    @property
    def sessions_in_transaction(self) -> int:
        """How many sessions are in a transaction, where there are sessions."""
        count = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
        if self.is_mariadb:
            time.sleep(0.15)  # it is read anew only where nobody has asked for 0.1 s
            count = "SELECT count(*) FROM information_schema.innodb_trx"
        return self.query(count)[0][0]

    def make_tables(self) -> None:
        """Make both tables. `ALIAS` has to be this database."""
        connection = connections[ALIAS]
        try:
            with connection.schema_editor() as editor:
                editor.create_model(Execution)
                editor.execute(TABLE)
        finally:
            connection.close()


class _Connection:
    """Lets a connection of MySQLdb execute, as the others do."""

    def __init__(self, connection):
        self._connection = connection
        self.close = connection.close

    def execute(self, sql: str):
        cursor = self._connection.cursor()
        cursor.execute(sql)
        return cursor


@contextlib.contextmanager
def mariadb_database(server: MariaDBServer, number: int) -> Iterator[Database]:
    """A database of its own on a server."""
    name = f"once{number}"
    place = {"ENGINE": "django.db.backends.mysql", "HOST": server.socket, "USER": "root"}
    admin = Database(place | {"NAME": "mysql", "OPTIONS": {}})
    admin.do(f"CREATE DATABASE {name}")
    yield Database(place | {"NAME": name, "OPTIONS": {}})
    admin.do(f"DROP DATABASE {name}")


def sqlite(directory: Path) -> Database:
    """A file."""
    options = {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "once.sqlite3")}
    return Database(settings | {"OPTIONS": options})


@contextlib.contextmanager
def postgresql(server: PostgresServer, number: int) -> Iterator[Database]:
    """A database of its own on a server."""
    name = f"once{number}"
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        engine = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}
        place = {"HOST": str(server.directory), "USER": "queueproxy", "NAME": name}
        yield Database(engine | place)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
