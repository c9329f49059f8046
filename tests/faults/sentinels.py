"""A primary, a replica and three Sentinels that fail over by themselves, on loopback."""

import json
import subprocess
import tempfile
from pathlib import Path

import redis

from ..kit.broker_server import BrokerServer, binary
from ..kit.ports import free_port
from ..kit.sentinels import SERVICE
from ..kit.waiting import wait_until

QUORUM = 2
DOWN_AFTER = 1000  # ms of silence


class Watched:
    """Both servers and who watches them. A FaultSite's broker: whoever is primary now."""

    def __init__(self):
        self._ports = [free_port(), free_port()]
        self._servers = [BrokerServer(port=str(port), bind="127.0.0.1") for port in self._ports]
        self._sentinel_ports = [free_port() for _ in range(3)]
        self._directory = tempfile.TemporaryDirectory(prefix="qpfailover-")
        self._sentinels: list[subprocess.Popen] = []

    def start(self) -> "Watched":
        """Start all five; return when the Sentinels know the replica and one another."""
        _, replica = (server.start().client() for server in self._servers)
        replica.replicaof("127.0.0.1", self._ports[0])
        wait_until(lambda: replica.info()["master_link_status"] == "up", "the replica follows")
        for port in self._sentinel_ports:
            self._start_sentinel(port)
        wait_until(lambda: all(map(self._knows_all, self._sentinel_ports)), "Sentinels agree", 40)
        return self

    def _start_sentinel(self, port: int) -> None:
        config = Path(self._directory.name) / f"sentinel{port}.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._directory.name}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self._ports[0]} {QUORUM}\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER}\n"
            f"sentinel failover-timeout {SERVICE} 6000\n"
        )
        command = [binary(), str(config), "--sentinel"]
        self._sentinels.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))

    def _knows_all(self, port: int) -> bool:
        try:
            state = self._state(port)
        except (redis.RedisError, OSError):
            return False
        return state["num-slaves"] == "1" and state["num-other-sentinels"] == "2"

    def _state(self, port: int) -> dict[str, str]:
        # As the server says it: redis-py's own commands make each reply something else.
        with redis.Redis(port=port, decode_responses=True, protocol=2) as client:
            connection = client.connection_pool.get_connection()
            connection.send_command("SENTINEL", "MASTER", SERVICE)
            try:
                words = connection.read_response()
            finally:
                connection.disconnect()
        return dict(zip(words[::2], words[1::2], strict=True))

    @property
    def sentinels_setting(self) -> str:
        """The option SENTINELS of django-redis, as JSON."""
        return json.dumps([("127.0.0.1", port) for port in self._sentinel_ports])

    def primary_port(self) -> int:
        """Where most Sentinels say the primary is."""
        said = [self._state(port)["port"] for port in self._sentinel_ports]
        return int(max(said, key=said.count))

    @property
    def url(self) -> str:
        """Of the primary."""
        return f"redis://127.0.0.1:{self.primary_port()}"

    def url_of(self, role: str) -> str:
        """As `url`: all parts of a site are one user."""
        return self.url

    def client(self) -> redis.Redis:
        """Of the primary."""
        return redis.Redis.from_url(self.url, decode_responses=True, protocol=2)

    def kill_primary(self) -> None:
        """Kill it; return when the replica is primary."""
        before = self.primary_port()
        self._servers[self._ports.index(before)].kill()
        wait_until(lambda: self.primary_port() != before, "the Sentinels have failed over", 60)

    def stop(self) -> None:
        """End all five and take their files away."""
        for process in self._sentinels:
            process.kill()
            process.wait()
        for server in self._servers:
            server.stop()
        self._directory.cleanup()
