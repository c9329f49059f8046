"""A primary, its replica and the Sentinels that watch them, as real processes on loopback."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import redis

from .broker_server import BrokerServer, binary
from .ports import free_port
from .waiting import wait_until

SERVICE = "main"
FAILS_OVER_WITHIN = 60.0  # seconds


class Sentinels:
    """A broker that fails over: when told, or by itself. Its address is that of the primary.

    Args:
        number: of Sentinels; most of them have to agree.
        password: of primary and replica; the Sentinels themselves ask for none.
        down_after: ms of silence until a Sentinel believes that a server is away.
    """

    def __init__(self, number: int = 1, *, password: str = "", down_after: int = 30_000):
        self._password = password
        self._down_after = down_after
        self._directory = tempfile.TemporaryDirectory(prefix="qpsentinel-")
        self._ports = [free_port(), free_port()]
        options = {"bind": "127.0.0.1"} | ({"masterauth": password} if password else {})
        self._servers = [BrokerServer(port=str(port), **options) for port in self._ports]
        self.ports = [free_port() for _ in range(number)]  # of the Sentinels
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> "Sentinels":
        """Start all; return when the Sentinels know the replica and one another."""
        primary, replica = (server.start().client() for server in self._servers)
        if self._password:
            primary.config_set("requirepass", self._password)
        replica.replicaof("127.0.0.1", self._ports[0])
        wait_until(lambda: replica.info()["master_link_status"] == "up", "the replica follows")
        if self._password:
            replica.config_set("requirepass", self._password)
        for port in self.ports:
            self._start_sentinel(port)
        wait_until(lambda: all(map(self._knows_all, self.ports)), "the Sentinels agree", 40)
        return self

    def _start_sentinel(self, port: int) -> None:
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"dir {self._directory.name}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {self._ports[0]} {len(self.ports) // 2 + 1}",
            f"sentinel down-after-milliseconds {SERVICE} {self._down_after}",
            f"sentinel failover-timeout {SERVICE} {6 * self._down_after}",
        ]
        if self._password:
            lines.append(f"sentinel auth-pass {SERVICE} {self._password}")
        config = Path(self._directory.name) / f"sentinel{port}.conf"
        config.write_text("\n".join(lines) + "\n")
        command = [binary(), str(config), "--sentinel"]
        self._processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))

    def _knows_all(self, port: int) -> bool:
        try:
            state = self._state(port)
            (replica,) = map(_as_dict, _ask(port, "REPLICAS", SERVICE))
        except (redis.RedisError, OSError, ValueError):
            return False
        others = int(state["num-other-sentinels"])
        return replica["master-link-status"] == "ok" and others == len(self.ports) - 1

    def _state(self, port: int) -> dict[str, str]:
        return _as_dict(_ask(port, "MASTER", SERVICE))

    def primary_port(self) -> int:
        """Where most Sentinels say the primary is; while they fail over, the old one."""
        said = [self._state(port)["port"] for port in self.ports]
        return int(max(said, key=said.count))

    @property
    def url(self) -> str:
        """Of the primary, for whom it asks no password."""
        return f"redis://127.0.0.1:{self.primary_port()}"

    def url_of(self, role: str) -> str:
        """As `url`: all parts of a site are one user."""
        return self.url

    def client(self) -> redis.Redis:
        """Of the primary, likewise."""
        return redis.Redis.from_url(self.url, decode_responses=True, protocol=2)

    @property
    def as_setting(self) -> str:
        """The option SENTINELS of django-redis, as JSON."""
        return json.dumps([("127.0.0.1", port) for port in self.ports])

    def fail_over(self) -> None:
        """Have the replica made primary; return when it is."""
        before = self.primary_port()
        _ask(self.ports[0], "FAILOVER", SERVICE)
        self._until_another_is_primary(before)

    def kill_primary(self) -> None:
        """Kill it; return when the Sentinels have made the replica primary."""
        before = self.primary_port()
        self._servers[self._ports.index(before)].kill()
        self._until_another_is_primary(before)

    def _until_another_is_primary(self, before: int) -> None:
        changed = "the Sentinels have failed over"
        wait_until(lambda: self.primary_port() != before, changed, FAILS_OVER_WITHIN)

    def stop(self) -> None:
        """End all and take their files away."""
        for process in self._processes:
            process.kill()
            process.wait()
        for server in self._servers:
            server.stop()
        self._directory.cleanup()


def _ask(port: int, *words: str) -> Any:
    """What a Sentinel replies, as it says it: redis-py's own commands make something else of it."""
    with redis.Redis(port=port, decode_responses=True, protocol=2) as client:
        connection = client.connection_pool.get_connection()
        connection.send_command("SENTINEL", *words)
        try:
            return connection.read_response()
        finally:
            connection.disconnect()


def _as_dict(pairs: list[str]) -> dict[str, str]:
    return dict(zip(pairs[::2], pairs[1::2], strict=True))
