"""Deletes old rows of executions while a worker process is idle."""

import logging
import random
import threading
from collections.abc import Callable, Iterable

from django.db import Error, connections

from ..exactly_once.purge import purge

logger = logging.getLogger("queueproxy.worker")

EVERY = 600.0  # seconds between two looks of a process, half of that to one and a half
LOOK_EVERY = 1.0  # seconds until a process that is busy is looked at again


class Purging(threading.Thread):
    """Looks now and then, and stops as soon as a request is run. A daemon.

    Args:
        databases: aliases of those that have the rows.
        kept: seconds that a row is kept.
        idle: tells whether no request runs in this process.
    """

    def __init__(self, databases: Iterable[str], kept: float, idle: Callable[[], bool]):
        super().__init__(name="purging", daemon=True)
        self._databases = sorted(databases)
        self._kept = kept
        self._idle = idle
        self._over = threading.Event()

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def run(self) -> None:
        # Not all processes of a site at once.
        while not self._over.wait(EVERY * random.uniform(0.5, 1.5)):
            for database in self._databases:
                self.purge(database)

    def purge(self, database: str) -> None:
        """Delete what is too old, step by step, each while the process is idle."""
        try:
            steps = purge(database, self._kept)
            while self._wait_until_idle() and next(steps, 0):
                pass
        except Error as error:
            logger.info("Old executions can't be deleted now: %s", error)
        finally:
            connections[database].close()

    def _wait_until_idle(self) -> bool:
        while not self._idle():
            if self._over.wait(LOOK_EVERY):
                return False
        return not self._over.is_set()
