"""Which node of a cluster a connection is to be made to."""

from redis.exceptions import MovedError

from ...keys import Keys
from .connections import AsyncConnection, Connection
from .protocol import Command

MOST_HOPS = 5  # from node to node of a cluster, to connect once


class Node:
    """The node of a cluster that has the keys; a server that is no cluster has them all.

    Args:
        connection: not yet connected; its host and port are set where another node has the keys.
        keys: all in one slot (their hash tag), so all on one node.
    """

    def __init__(self, connection: Connection | AsyncConnection, keys: Keys):
        self.question: Command = ("TYPE", keys.state)
        self._connection = connection
        self._given: tuple[str, int] | None = None  # while it is another
        self._hops = 0

    def is_another(self, answer: object) -> bool:
        """Whether the answer to the question names another node; if so, connect again."""
        if not isinstance(answer, MovedError):
            self._hops = 0
            return False
        self._hops += 1
        if self._hops > MOST_HOPS:
            raise ConnectionError("The nodes of the cluster send one another for the keys.")
        connection = self._connection
        if not hasattr(connection, "host"):
            raise ConnectionError("Another node has the keys, and no unix socket leads there.")
        self._given = self._given or (connection.host, connection.port)
        connection.host, connection.port = answer.host or connection.host, answer.port
        return True

    def reset(self) -> None:
        """Begin at the given node again."""
        if self._given:
            self._connection.host, self._connection.port = self._given
        self._given, self._hops = None, 0
