"""A worker within the process of the tests, with their settings and their database."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponseBase
from django.test.testcases import _MediaFilesHandler, _StaticFilesHandler

from .. import conf
from ..worker.exchange import Exchange
from ..worker.executor import Executor, keeping_handler
from ..worker.options import WorkerOptions
from ..worker.process import Worker
from ..worker.process_words import SERVING

STARTS_WITHIN = 60.0  # seconds, on a busy machine
GRACE = 10.0  # seconds to finish what runs at the end of a test


class LiveWorker:
    """While the context lasts, a worker serves all queues, in threads of this process.

    Args:
        threads: how many requests run at the same time; one where a database is in memory, since
            its only connection is shared with the test.

    Raises:
        RuntimeError: it does not come to serve: the log of queueproxy.worker tells why.
    """

    def __init__(self, threads: int):
        self._shared = _connections_in_memory()
        self._worker = Worker(
            _options(1 if self._shared else threads),
            self._note,
            SharingExecutor(self._shared),
        )
        self._serves = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-worker", daemon=True)

    def _note(self, word: str) -> None:
        if word == SERVING:
            self._serves.set()

    def _run(self) -> None:
        try:
            self._worker.run()
        finally:
            self._serves.set()

    def __enter__(self) -> "LiveWorker":
        for connection in self._shared:
            connection.inc_thread_sharing()
        self._thread.start()
        if not (self._serves.wait(STARTS_WITHIN) and self._thread.is_alive()):
            self.__exit__()
            raise RuntimeError("The live worker did not start: see the log of queueproxy.worker.")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._worker.stop()
        self._thread.join(2 * GRACE)
        self._worker.close()
        for connection in self._shared:
            connection.dec_thread_sharing()


def _options(threads: int) -> WorkerOptions:
    of = conf.get_settings()
    return WorkerOptions(
        broker=conf.broker(),
        queues=of.all_queues,
        secrets=conf.signing_secrets(),
        threads=threads,
        graceful_timeout=GRACE,
        stream_grace=0,
        view_timeout=of.view_timeout,
        name="tests",
        watch_migrations=False,  # by a connection of its own, in the way of the test's
        policies=conf.policies_by_name(),
        retry_methods=frozenset(of.retry_methods),
        keep_executions=of.keep_executions,
        keep_answered=of.keep_answered,
    )


def _connections_in_memory() -> list[BaseDatabaseWrapper]:
    every: Sequence[Any] = connections.all()  # one of SQLite has more than the others
    return [one for one in every if one.vendor == "sqlite" and one.is_in_memory_db()]


class SharingExecutor(Executor):
    """Ours, in threads that use the test's own connections, and with static and media files.

    Args:
        shared: connections to use in the place of the threads' own.
    """

    def __init__(self, shared: Iterable[BaseDatabaseWrapper]):
        self._shared = shared
        super().__init__(keeping_handler(self._get_response))
        has_staticfiles = "django.contrib.staticfiles" in settings.INSTALLED_APPS
        static = StaticFilesHandler if has_staticfiles else _StaticFilesHandler
        self._files: tuple[Any, ...] = (static(self.handler), _MediaFilesHandler(self.handler))

    def respond(self, *args: Any, **options: Any) -> Exchange:
        for connection in self._shared:
            connections[connection.alias] = connection
        return super().respond(*args, **options)

    def _get_response(self, request: WSGIRequest) -> HttpResponseBase:
        for files in self._files:
            if files._should_handle(request.path):
                response: HttpResponseBase = files.get_response(request)
                return response
        return WSGIHandler.get_response(self.handler, request)
