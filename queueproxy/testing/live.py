"""A real front, broker and worker for browser tests."""

import copy
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.exceptions import ImproperlyConfigured
from django.test import TransactionTestCase, modify_settings

from ..cli.embedded import EmbeddedBroker
from ..cli.program import PARENT_FD_VARIABLE
from ..conf import BROKER_URL_VARIABLE
from .live_worker import LiveWorker

__all__ = ["LiveQueue", "LiveQueueTestCase"]

HOST = "localhost"
STARTS_WITHIN = 60.0  # seconds, on a busy machine
MOST_SAID = 64 * 1024  # bytes of its log that are looked at
ENDS_WITHIN = 5.0  # seconds, for a browser that still waits for something


class LiveQueue:
    """While the context lasts, the project's site is served through a queue of its own.

    The broker is the one of ``--embedded``, private to the tests. The front is a process with the
    project's settings, as they stand in their module. The worker is in this process, in threads,
    and only while `worker` lasts: it sees the settings that a test overrides, its monkeypatches and
    its database, as with Django's ``live_server``; a database in memory is shared with it.

    Args:
        server: what the front runs under, ``daphne`` or ``uvicorn``.

    Raises:
        ImproperlyConfigured: the settings are in no module, so that no other process can have them.
        CommandError: there is no broker: see ``--embedded``.
        RuntimeError: the front did not start; with what it said.
    """

    def __init__(self, server: str = "daphne"):
        self._server = server
        self._contexts = ExitStack()
        self.url = ""
        """Where the site is, without a slash at the end."""
        self.broker_url = ""
        """Where its broker is."""

    def __str__(self) -> str:
        return self.url

    def __enter__(self) -> "LiveQueue":
        with ExitStack() as contexts:
            self.broker_url = contexts.enter_context(_private_broker())
            self.url = contexts.enter_context(_front(self._server))
            self._contexts = contexts.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._contexts.close()

    @contextmanager
    def worker(self, threads: int = 2) -> Iterator[LiveWorker]:
        """Run requests while this lasts; those under way at its end are finished.

        Args:
            threads: how many at the same time; one where the database is in memory.
        """
        with LiveWorker(threads) as worker:
            yield worker


class LiveQueueTestCase(TransactionTestCase):
    """As Django's ``LiveServerTestCase``, with a front, a broker and a worker of queueproxy's.

    Attributes:
        live_queue: they.
        server: what the front runs under, ``daphne`` or ``uvicorn``.
    """

    server = "daphne"
    live_queue: LiveQueue

    @classmethod
    def setUpClass(cls) -> None:
        """Start the front and the broker of this class."""
        super().setUpClass()
        cls.enterClassContext(modify_settings(ALLOWED_HOSTS={"append": HOST}))
        cls.live_queue = cls.enterClassContext(LiveQueue(cls.server))

    def setUp(self) -> None:
        """Start the worker of this test, which has the settings that are in force."""
        super().setUp()
        self.enterContext(self.live_queue.worker())

    @property
    def live_queue_url(self) -> str:
        """Where the site is, without a slash at the end."""
        return self.live_queue.url


@contextmanager
def _private_broker() -> Iterator[str]:
    """Start the embedded broker, for the queue alone: the project's caches stay where they are."""
    environ, caches = dict(os.environ), copy.deepcopy(settings.CACHES)
    with EmbeddedBroker(True):
        url = os.environ[BROKER_URL_VARIABLE]
        try:
            settings.CACHES.update(caches)
            _restore(environ)
            os.environ[BROKER_URL_VARIABLE] = url
            yield url
        finally:
            _restore(environ)


def _restore(environ: dict[str, str]) -> None:
    for name in os.environ.keys() - environ.keys():
        del os.environ[name]
    os.environ.update(environ)


@contextmanager
def _front(server: str) -> Iterator[str]:
    """Start a front and wait until it serves; its URL."""
    if not os.environ.get(ENVIRONMENT_VARIABLE):
        raise ImproperlyConfigured(
            f"A live queue needs {ENVIRONMENT_VARIABLE}: its front is a process of its own, which "
            "can't have the values of settings.configure()."
        )
    with socket.socket() as listening, tempfile.TemporaryFile() as log:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        command = [sys.executable, "-m", "django", "runqueueproxy"]
        options = ["--fd", str(listening.fileno()), "--server", server, "--graceful-timeout", "1"]
        path = os.pathsep.join([part or os.getcwd() for part in sys.path])
        reading, writing = os.pipe()  # it ends with this process, in whatever way that ends
        where = {"PYTHONPATH": path, PARENT_FD_VARIABLE: str(reading)}
        process = subprocess.Popen(
            [*command, *options],
            env={**os.environ, **where},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[listening.fileno(), reading],
            start_new_session=True,  # Ctrl-C is for the tests, which then end it
        )
        listening.close()
        os.close(reading)
        try:
            _wait_until_it_serves(process, log)
            yield f"http://{HOST}:{port}"
        finally:
            os.close(writing)
            _end(process)


def _wait_until_it_serves(process: subprocess.Popen[bytes], log: BinaryIO) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    # Not by the file's own position, which the process shares.
    while b"The front listens on" not in (said := os.pread(log.fileno(), MOST_SAID, 0)):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The front of the live queue did not start:\n{said.decode()}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
