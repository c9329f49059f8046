"""Runs `server_app` in a process of its own, and talks to it in raw bytes."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from ..kit.proc import memory
from ..kit.processes import ROOT, STARTS_WITHIN

PATIENCE = 15.0  # seconds


class Served:
    """A serving process on a listening socket it shares with this one.

    Args:
        server: one of `SERVERS`.
        listening: the socket.
        graceful_timeout: seconds.
        module: what is run; takes the arguments of `server_app`.
        limits: those of servers/common/limits.py that are to differ, for a module that takes them.
    """

    def __init__(
        self,
        server: str,
        listening: socket.socket,
        graceful_timeout: float = 10,
        *,
        module: str = "tests.integration.server_app",
        limits: dict | None = None,
    ):
        fd = listening.fileno()
        command = [sys.executable, "-m", module, server, str(fd)]
        self.process = subprocess.Popen(
            [*command, str(graceful_timeout)],
            cwd=ROOT,
            pass_fds=[fd],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "SERVER_APP_LIMITS": json.dumps(limits or {})},
        )
        self.address = listening.getsockname()
        self.output: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output.append(line)
            self._lines.put(line.strip())

    def starts(self) -> None:
        """Wait until it serves."""
        self.says("startup", STARTS_WITHIN)

    def says(self, word: str, within: float = PATIENCE) -> None:
        """Wait for this line of its output."""
        deadline = time.monotonic() + within
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"No {word!r} in: {''.join(self.output)}") from None
            if line == word:
                return

    def is_quiet(self) -> bool:
        """Whether it has printed nothing that was not waited for."""
        return self._lines.empty()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_status(self) -> int:
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Kill it if it still runs; nobody reads its output any more as that is closed."""
        self.process.kill()
        self.process.wait()
        self._reading.join(PATIENCE)
        self.process.stdout.close()

    def memory(self, field: str = "VmHWM") -> int:
        """Bytes; by default the most resident so far."""
        return memory(self.process.pid, field)

    def client(self) -> "Client":
        return Client(self.address)


@contextlib.contextmanager
def serving(server: str, *, graceful_timeout: float = 10, **options) -> Iterator[Served]:
    """A server, up and listening; killed at the end if it still runs. `options` as of `Served`."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        served = Served(server, listening, graceful_timeout, **options)
    with ending(served):
        served.starts()
        yield served


@contextlib.contextmanager
def ending(served: Served) -> Iterator[None]:
    """Kill it at the end if it still runs."""
    try:
        yield
    finally:
        served.end()


class Reply(NamedTuple):
    """A response as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection, in raw bytes."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, timeout=PATIENCE)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, *parts: bytes) -> "Client":
        for part in parts:
            self._socket.sendall(part)
        return self

    def timeout(self, seconds: float) -> None:
        """How long each call waits from now on."""
        self._socket.settimeout(seconds)

    def get(self, path: str, *headers: str, version: str = "1.1") -> "Client":
        lines = [f"GET {path} HTTP/{version}", "Host: a", *headers, "", ""]
        return self.send("\r\n".join(lines).encode("latin-1"))

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def until_closed(self) -> bytes:
        """Everything up to the end, orderly or by reset."""
        received = []
        with contextlib.suppress(ConnectionResetError):
            while data := self._file.read1(65536):
                received.append(data)
        return b"".join(received)

    def reply(self, *, bodiless: bool = False) -> Reply:
        """The next response; with its body, where it has a Content-Length."""
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode("latin-1").partition(": ")
            assert name.lower() not in headers, f"{name} comes twice"
            headers[name.lower()] = value
        size = 0 if bodiless else int(headers.get("content-length", 0))
        return Reply(status, headers, self._file.read(size))
