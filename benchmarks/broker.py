"""The broker of a run: a private Valkey, and how many commands it was sent."""

import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.kit.broker_server import BrokerServer

OURS = ("info", "client", "monitor", "hello", "config", "ping")  # not sent for a request
MAX_MEMORY = "1gb"


class BenchBroker(BrokerServer):
    """A Valkey on a unix socket, as ``runqueueproxy --embedded`` starts it."""

    def __init__(self):
        super().__init__("valkey", maxmemory=MAX_MEMORY)

    def pids(self) -> list[int]:
        """Its one process."""
        return [self.client().info("server")["process_id"]]

    def version(self) -> str:
        """Of the server."""
        return self.client().info("server")["valkey_version"]

    def calls(self) -> dict[str, int]:
        """How often each command was run so far, by clients and inside scripts alike."""
        stats = self.client().info("commandstats")
        return {name.removeprefix("cmdstat_"): said["calls"] for name, said in stats.items()}

    def listen_in(self, seconds: float) -> bytes:
        """What MONITOR tells in so many seconds."""
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
        return b"".join(chunks)


def heard(traffic: bytes) -> Iterator[tuple[str, bool]]:
    """Each command in a MONITOR's output, and whether a client sent it (or else a script)."""
    for line in traffic.split(b"\n"):
        head, bracket, rest = line.partition(b"] ")
        if bracket and head.startswith(b"+"):
            name = rest.split(b" ", 1)[0].strip(b'"\r').decode("latin-1").lower()
            yield name, not head.endswith(b" lua")


def direct_shares(traffic: bytes) -> dict[str, float]:
    """Of each command in a MONITOR's output, the share that clients sent."""
    every, direct = Counter(), Counter()
    for name, by_client in heard(traffic):
        every[name] += 1
        direct[name] += by_client
    return {name: direct[name] / number for name, number in every.items()}


def sent_by_clients(
    before: Mapping[str, int], after: Mapping[str, int], shares: Mapping[str, float]
) -> float:
    """Commands that clients sent between two readings of `BenchBroker.calls`.

    Args:
        shares: from `direct_shares`; a command it has not met counts in full.
    """
    total = 0.0
    for name, calls in after.items():
        if name.split("|")[0] not in OURS:
            total += (calls - before.get(name, 0)) * shares.get(name.split("|")[0], 1.0)
    return total
