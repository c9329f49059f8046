"""Two PostgreSQL servers: one follows the other, commit by commit, and may take its place."""

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import psycopg

from .postgres import PostgresServer
from .starting import starting
from .waiting import wait_until

IN_STEP = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"


class PostgresPair:
    """A primary and its synchronous standby.

    No commit is told before the standby has it, so that a failover loses none that was.

    Raises:
        Missing: it is not installed.
    """

    def __init__(self) -> None:
        self._primary, self._standby = PostgresServer(), PostgresServer()

    @property
    def url(self) -> str:
        """A DATABASE_URL, of whichever is the primary; psycopg takes it too."""
        directories = sorted(str(one.directory) for one in (self._primary, self._standby))
        hosts = quote(",".join(directories), safe="")
        return f"postgresql://queueproxy@{hosts}/postgres?target_session_attrs=read-write"

    def start(self) -> "PostgresPair":
        """Start both."""
        with starting(self):
            self._primary.start()
            self._follow()
        return self

    def _follow(self) -> None:
        """Make the standby, and have the primary wait for it from now on."""
        self._standby.start_as_standby(self._primary)
        self._do("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        wait_until(lambda: self._do(IN_STEP), "a standby that is in step")

    def crash(self, away: float) -> None:
        """SIGKILL to the primary, which comes back after so many seconds."""
        self._primary.kill()
        time.sleep(away)
        self._primary.serve()

    def fail_over(self) -> None:
        """SIGKILL to the primary; the standby is promoted, and another made for it."""
        self._primary.kill()
        lost, self._primary = self._primary, self._standby
        self._do("SELECT pg_promote()")
        self._standby = lost
        self._standby.remove_files()
        self._follow()

    def _do(self, *statements: str) -> Iterable[tuple[Any, ...]]:
        """Do it on the primary; what the last gives."""
        with psycopg.connect(self._primary.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End both and take their files away."""
        self._standby.stop()
        self._primary.stop()
