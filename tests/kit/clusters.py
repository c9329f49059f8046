"""Three nodes of a cluster, as real processes on loopback."""

import redis

from .broker_server import BrokerServer
from .ports import free_port
from .waiting import wait_until

SLOTS = 16_384


class Cluster:
    """Three primaries that share the slots."""

    def __init__(self) -> None:
        self.ports = [free_port() for _ in range(3)]
        self._servers = [
            BrokerServer(
                port=str(port),
                bind="127.0.0.1",
                cluster_enabled="yes",
                cluster_port=str(free_port()),
            )
            for port in self.ports
        ]
        self.nodes: list[redis.Redis] = []

    def start(self) -> "Cluster":
        """Start them and wait until all three agree."""
        self.nodes = [server.start().client() for server in self._servers]
        bounds = [0, SLOTS // 3, 2 * SLOTS // 3, SLOTS]
        for node, first, after in zip(self.nodes, bounds, bounds[1:], strict=False):
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", first, after - 1)
        for port, node in zip(self.ports[1:], self.nodes[1:], strict=True):
            bus = node.config_get("cluster-port")["cluster-port"]
            self.nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus)
        wait_until(lambda: all(map(self._agrees, self.nodes)), "the cluster agrees", 30)
        return self

    def _agrees(self, node: redis.Redis) -> bool:
        info = node.execute_command("CLUSTER", "INFO")
        return "cluster_state:ok" in info and "cluster_known_nodes:3" in info

    def url(self, index: int) -> str:
        """Where one of the nodes is."""
        return f"redis://127.0.0.1:{self.ports[index]}"

    def owner_of(self, key: str) -> int:
        """Which of the nodes has a key, as an index."""
        for index, node in enumerate(self.nodes):
            try:
                node.type(key)
            except redis.exceptions.ResponseError:
                continue
            return index
        raise AssertionError(f"no node has {key}")

    def move(self, key: str, to: int) -> None:
        """Give an empty slot to another node."""
        slot = self.nodes[0].execute_command("CLUSTER", "KEYSLOT", key)
        taker = self.nodes[to].execute_command("CLUSTER", "MYID")
        for node in [self.nodes[to], *self.nodes]:
            node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", taker)

    def stop(self) -> None:
        """End all."""
        for server in self._servers:
            server.stop()
