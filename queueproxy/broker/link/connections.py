"""Says what links need of redis-py's connections, most of which has no annotations there."""

from collections.abc import Sequence
from socket import socket
from typing import Protocol

from .protocol import Argument, RedisReply


class Encoder(Protocol):
    """Makes bytes of what a command is made of."""

    def encode(self, value: Argument) -> bytes: ...


class _Connection(Protocol):
    """Any connection. One to a unix socket has neither `host` nor `port`."""

    host: str
    port: int

    @property
    def encoder(self) -> Encoder: ...

    @property
    def is_connected(self) -> bool: ...


class Connection(_Connection, Protocol):
    """A blocking connection. What raises, raises RedisError or OSError."""

    _sock: socket  # while it is connected

    def connect(self) -> None: ...

    def disconnect(self) -> None: ...

    def send_packed_command(self, command: Sequence[bytes]) -> None: ...

    def send_command(self, *args: Argument) -> None: ...

    def read_response(self, *, timeout: float = ...) -> RedisReply: ...


class AsyncConnection(_Connection, Protocol):
    """A connection for asyncio."""

    connection_pool: object  # of one that is found by Sentinel

    async def connect(self) -> None: ...

    async def disconnect(self, nowait: bool = False) -> None: ...

    async def send_packed_command(self, command: Sequence[bytes]) -> None: ...

    async def send_command(self, *args: Argument) -> None: ...

    async def can_read(self) -> bool: ...

    async def read_response(self) -> RedisReply: ...
