"""Where the shop keeps its orders: a private PostgreSQL, or a file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from tests.kit.postgres import PostgresServer

TABLES = {"ran": "shop_execution", "ordered": "shop_order"}  # what their nonces prove


class SQLite:
    """A file in the drill's directory. While a migration writes, everybody else waits anyway."""

    def __init__(self, directory: Path):
        self.environ = {"DATABASE_URL": ""}  # the example site's default, below its var
        self._file = directory / "db.sqlite3"

    def nonces(self) -> dict[str, list[str]]:
        """The nonces of each of TABLES."""
        with closing(sqlite3.connect(self._file)) as connection:
            return _nonces(connection)

    def stop(self) -> None:
        """Nothing runs."""


class PostgreSQL:
    """A private server, started at once.

    Raises:
        Missing: it is not installed.
    """

    def __init__(self):
        self._server = PostgresServer().start()
        self.environ = {"DATABASE_URL": self._server.url}

    def nonces(self) -> dict[str, list[str]]:
        """The nonces of each of TABLES."""
        with psycopg.connect(self._server.url) as connection:
            return _nonces(connection)

    def stop(self) -> None:
        """End the server; its files go too."""
        self._server.stop()


def _nonces(connection) -> dict[str, list[str]]:
    return {
        what: [row[0] for row in connection.execute(f"SELECT nonce FROM {table}").fetchall()]
        for what, table in TABLES.items()
    }
