"""Looks whether the database is as this code expects it: migrations that are not applied yet."""

import logging
import threading
import time
from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

logger = logging.getLogger("queueproxy.worker")

IN_A_HURRY = 1.0  # seconds between two looks while requests wait for the migrations
AT_LEISURE = 10.0  # seconds, where only status is told
SPARE = 10  # a look that took long is not repeated before so many times as long


def has_database() -> bool:
    """Whether the settings name a default database at all."""
    return str(connections.settings[DEFAULT_DB_ALIAS]["ENGINE"]) != "django.db.backends.dummy"


def pending_migrations() -> int:
    """Count the migrations of this code that the default database lacks.

    Opens a connection of the calling thread's and closes it; changes nothing. Raises whatever the
    database or a migration that can't be imported raises.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        executor = MigrationExecutor(connection)
        return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    finally:
        connection.close()


class MigrationWatch(threading.Thread):
    """Looks until no migration is pending. A daemon: a database may be long in not answering.

    Args:
        report: called with the number at each change; None where it could not be found out.
        hurry: whether somebody waits for it.
    """

    def __init__(self, report: Callable[[int | None], None], *, hurry: bool):
        super().__init__(name="migrations", daemon=True)
        self._report = report
        self._pause = IN_A_HURRY if hurry else AT_LEISURE
        self._log = logger.warning if hurry else logger.debug
        self._told: object = ()  # nothing yet
        self._over = threading.Event()
        self.applied = False

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def run(self) -> None:
        while not self.applied and not self._over.is_set():
            began = time.monotonic()
            self._look()
            took = time.monotonic() - began
            if not self.applied:
                self._over.wait(max(self._pause, SPARE * took))

    def _look(self) -> None:
        try:
            pending, trouble = pending_migrations(), ""
        except Exception as error:
            pending, trouble = None, f": {error}".partition("\n")[0]
        if pending != self._told:
            self._told = pending
            if pending is None:
                self._log("Whether migrations are applied is not known%s", trouble)
            elif pending:
                logger.warning("Migrations not applied: %d.", pending)
            self._report(pending)
        self.applied = pending == 0
