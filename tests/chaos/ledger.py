"""What was run: one row for each execution of a view, written by the view, read by the judge.

A table of a private PostgreSQL, which has no part in the system under test. Where PostgreSQL is
not installed: a file, appended to in single writes.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import psycopg

from ..kit.missing import Missing
from ..kit.postgres import PostgresServer

TABLE = """
CREATE TABLE executions (
    number bigserial PRIMARY KEY,
    nonce text NOT NULL,
    attempt int NOT NULL,
    pid int NOT NULL,
    token text NOT NULL,
    began timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON executions (nonce);
"""
COLUMNS = "nonce, attempt, pid, token"

# Rows of no request have these in place of a nonce.
DIED = "!died"  # a worker process is about to be killed; its token: where, and when
FAINTED = "!fainted"  # one is about to be stopped; likewise
QUIET = "!quiet"  # from now on nothing may run; its token: by which fault
QUIET_ENDS = "!quiet-ends"
NOT_BY = "!not-by"  # from now on none of the processes in its token may run any

IN_CHILD = "child-"  # how the token of an execution begins that was in a process forked by a view


class Mark(NamedTuple):
    """Where something befell a worker, and when (the system's monotonic clock)."""

    place: str
    at: float

    def __str__(self) -> str:
        return f"{self.place}@{self.at}"

    @classmethod
    def read(cls, token: str) -> "Mark":
        """Read it from the token of a row."""
        place, _, at = token.partition("@")
        return cls(place, float(at))


class Execution(NamedTuple):
    """One execution: of which request, which of its attempts, where, and a token of its own."""

    nonce: str
    attempt: int
    pid: int
    token: str


class TableLedger:
    """A table of a private PostgreSQL, which is started with it.

    Raises:
        Missing: PostgreSQL is not installed.
    """

    kind = "PostgreSQL table"

    def __init__(self):
        self._server = PostgresServer().start()
        self._connection = psycopg.connect(self._server.url, autocommit=True)
        self._connection.execute(TABLE)
        self.address = self._server.url

    def read(self) -> list[Execution]:
        """All executions, in the order they were written down."""
        rows = self._connection.execute(f"SELECT {COLUMNS} FROM executions ORDER BY number")
        return [Execution(*row) for row in rows]

    def of(self, nonce: str) -> list[Execution]:
        """The executions of one request."""
        query = f"SELECT {COLUMNS} FROM executions WHERE nonce = %s ORDER BY number"
        return [Execution(*row) for row in self._connection.execute(query, [nonce])]

    def close(self) -> None:
        """End the server and take its files away."""
        self._connection.close()
        self._server.stop()


class FileLedger:
    """A file. Arguments: where to make it."""

    kind = "file"

    def __init__(self, directory: Path):
        self._path = directory / "ledger"
        self._path.touch()
        self.address = str(self._path)

    def read(self) -> list[Execution]:
        """As TableLedger.read."""
        lines = (line.split() for line in self._path.read_text().splitlines())
        return [Execution(nonce, int(n), int(pid), token) for nonce, n, pid, token in lines]

    def of(self, nonce: str) -> list[Execution]:
        """As TableLedger.of."""
        return [execution for execution in self.read() if execution.nonce == nonce]

    def close(self) -> None:
        """Take it away."""
        self._path.unlink()


Ledger = TableLedger | FileLedger


def open_ledger(directory: Path) -> Ledger:
    """A table where PostgreSQL is installed, else a file."""
    try:
        return TableLedger()
    except Missing:
        return FileLedger(directory)


def by_nonce(executions: Iterable[Execution]) -> dict[str, list[Execution]]:
    """The executions of each request, in their order."""
    runs: dict[str, list[Execution]] = {}
    for execution in executions:
        if not execution.nonce.startswith("!"):
            runs.setdefault(execution.nonce, []).append(execution)
    return runs


class Writer:
    """Writes executions down; one for each thread.

    Args:
        address: of the ledger.
    """

    def __init__(self, address: str):
        self._file = self._connection = None
        if address.startswith("postgresql:"):
            self._connection = psycopg.connect(address, autocommit=True)
        else:
            self._file = os.open(address, os.O_WRONLY | os.O_APPEND)

    def write(self, execution: Execution) -> None:
        """Write it down; when this returns it is there, whatever becomes of this process."""
        if self._connection is not None:
            insert = f"INSERT INTO executions ({COLUMNS}) VALUES (%s, %s, %s, %s)"
            self._connection.execute(insert, execution)
        else:
            line = " ".join(map(str, execution)) + "\n"
            os.write(self._file, line.encode())  # one write: whole lines, whoever else writes
