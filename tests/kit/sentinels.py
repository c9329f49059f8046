"""A primary, a replica and a Sentinel over them, as real processes on loopback."""

import subprocess
import tempfile
from pathlib import Path

import redis

from .broker_server import BrokerServer, binary
from .ports import free_port
from .waiting import wait_until

SERVICE = "main"


class Sentinels:
    """One Sentinel, which makes the replica primary when told.

    Args:
        password: of primary and replica; the Sentinel itself asks for none.
    """

    def __init__(self, password: str):
        self.port = free_port()
        self._password = password
        self._directory = tempfile.TemporaryDirectory(prefix="qpsentinel-")
        self._ports = [free_port(), free_port()]
        self._servers = [
            BrokerServer(port=str(port), bind="127.0.0.1", masterauth=password)
            for port in self._ports
        ]
        self._process: subprocess.Popen | None = None

    def start(self) -> "Sentinels":
        """Start all three and wait until the Sentinel knows the replica."""
        primary, replica = (server.start().client() for server in self._servers)
        primary.config_set("requirepass", self._password)
        replica.replicaof("127.0.0.1", self._ports[0])
        wait_until(lambda: replica.info()["master_link_status"] == "up", "the replica follows")
        replica.config_set("requirepass", self._password)
        config = Path(self._directory.name) / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._directory.name}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self._ports[0]} 1\n"
            f"sentinel auth-pass {SERVICE} {self._password}\n"
        )
        command = [binary(), str(config), "--sentinel"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._knows_a_replica, "the Sentinel knows the replica")
        return self

    def _knows_a_replica(self) -> bool:
        try:
            (known,) = self._ask("REPLICAS", SERVICE)
        except (redis.RedisError, ValueError):
            return False
        return _as_dict(known)["master-link-status"] == "ok"

    def primary_port(self) -> int:
        """Where the Sentinel says the primary is; while it fails over, the old one."""
        return int(_as_dict(self._ask("MASTER", SERVICE))["port"])

    def fail_over(self) -> None:
        """Make the replica primary; return when it is."""
        before = self.primary_port()
        self._ask("FAILOVER", SERVICE)
        wait_until(lambda: self.primary_port() != before, "the Sentinel has failed over", 40)

    def _ask(self, *words: str):
        # As the server says it: redis-py's own commands make each reply something else.
        with redis.Redis(port=self.port, decode_responses=True, protocol=2) as client:
            connection = client.connection_pool.get_connection()
            connection.send_command("SENTINEL", *words)
            try:
                return connection.read_response()
            finally:
                connection.disconnect()

    def stop(self) -> None:
        """End all three and take their files away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        for server in self._servers:
            server.stop()
        self._directory.cleanup()


def _as_dict(pairs: list[str]) -> dict[str, str]:
    return dict(zip(pairs[::2], pairs[1::2], strict=True))
