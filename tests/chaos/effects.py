"""The database of the site's views: what happens there must happen once.

It has no part in the ledger, so that it may be hurt.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg

from ..kit import mariadb
from ..kit.missing import Missing
from ..kit.postgres_pair import PostgresPair

# Written by views in the transaction in which what they do is to happen once.
TABLE = "CREATE TABLE effects (nonce varchar(100) NOT NULL, token varchar(100) NOT NULL)"
READ = "SELECT nonce, token FROM effects"
SQLITE = "sqlite"


class Effects(Protocol):
    """A database with a table of effects. Attributes: url, a DATABASE_URL."""

    url: str

    def make_table(self) -> None:
        """Make the table."""

    def rows(self) -> Iterable[tuple[str, str]]:
        """All that was committed: which request, by which of its executions."""

    def crash(self, away: float) -> None:
        """SIGKILL to the server; after so many seconds it is back, with what was committed."""

    def fail_over(self) -> None:
        """The server is lost, and another takes its place, with what was committed."""

    def stop(self) -> None:
        """End the server and take its files away."""


class PostgreSQLEffects:
    """A server with a standby."""

    def __init__(self):
        self._servers = PostgresPair().start()
        self.url = self._servers.url
        self.crash, self.fail_over = self._servers.crash, self._servers.fail_over
        self.stop = self._servers.stop

    def make_table(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(TABLE)

    def rows(self) -> Iterable[tuple[str, str]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(READ).fetchall()


class MariaDBEffects:
    """A server with one database."""

    def __init__(self):
        mariadb.use_driver()
        self._server = mariadb.MariaDBServer().start()
        self.url = f"mysql://root@{quote(self._server.socket, safe='')}/chaos"
        self.stop = self._server.stop
        self._do("CREATE DATABASE chaos", "mysql")

    def make_table(self) -> None:
        self._do(TABLE)

    def rows(self) -> Iterable[tuple[str, str]]:
        return self._do(READ)

    def crash(self, away: float) -> None:
        self._server.kill()
        time.sleep(away)
        self._server.serve()

    def fail_over(self) -> None:
        raise NotImplementedError

    def _do(self, sql: str, database: str = "chaos") -> Iterable[tuple]:
        import MySQLdb

        place = {"unix_socket": self._server.socket, "user": "root", "database": database}
        with contextlib.closing(MySQLdb.connect(**place, autocommit=True)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()


class SQLiteEffects:
    """A file; there is no server that could be hurt. Arguments: where to make it."""

    def __init__(self, directory: Path):
        self._path = directory / "effects.sqlite3"
        self.url = f"sqlite:///{self._path}"

    def make_table(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            connection.execute(TABLE)
            connection.commit()

    def rows(self) -> Iterable[tuple[str, str]]:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(READ).fetchall()

    def crash(self, away: float) -> None:
        raise NotImplementedError

    def fail_over(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """It goes with its directory."""


DATABASES = ("postgresql", "mariadb", SQLITE)


def open_effects(database: str, directory: Path) -> Effects | None:
    """Start a database; None where PostgreSQL is wanted and not installed.

    Args:
        database: one of `DATABASES`.
        directory: for files.
    """
    if database == SQLITE:
        return SQLiteEffects(directory)
    if database == "mariadb":
        return MariaDBEffects()
    try:
        return PostgreSQLEffects()
    except Missing:
        return None


def committed(effects: Effects | None) -> dict[str, list[str]]:
    """What was committed for each request: the tokens of those executions."""
    found: dict[str, list[str]] = {}
    for nonce, token in effects.rows() if effects else ():
        found.setdefault(nonce, []).append(token)
    return found
