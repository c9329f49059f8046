"""Connections to Redis or Valkey, as plain redis-py connections without a pool and without retries.

A pool may hand a blocking read's connection to somebody else, and a retried command may be one that
was run: neither is right for a queue, so each link owns one connection and decides by itself.

How a connection is spoken to, all of it proved by tests/integration/test_connect.py:
``send_packed_command(pack_commands([...]))`` writes many commands at once; one ``read_response``
reads one reply, and raises an error reply as ResponseError with the connection still good. The
blocking one takes ``read_response(timeout=seconds)``, longer or shorter than its socket timeout;
the asynchronous one has no timeout of its own, so put ``asyncio.timeout`` around it. Of the
blocking one's socket, private to redis-py, the descriptor alone is used, by `descriptor_of`.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from .connections import AsyncConnection, Connection
from .protocol import INFO, UNREADABLE, error_reply, not_connected

CONNECT_WITHIN = 5.0  # seconds
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
ANSWER_WITHIN = 5.0  # seconds a command that does not block may take


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is, as plain values.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``; with Sentinel the host is the service name.
        options: further redis-py connection arguments (username, password, ssl_..., ...).
        sentinels: (host, port) of each Sentinel; empty without.
        sentinel_options: connection arguments for the Sentinels themselves.
    """

    url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    sentinels: Sequence[tuple[str, int]] = ()
    sentinel_options: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Leave out user, password and query: addresses end up in logs."""
        return f"<BrokerAddress {self.shown}>"

    @property
    def shown(self) -> str:
        """For people: without user, password and query."""
        address = re.sub(r"//.*@", "//", self.url, flags=re.DOTALL).partition("?")[0]
        return f"{address}{' by Sentinel' if self.sentinels else ''}"

    @property
    def is_local(self) -> bool:
        """Whether it can only be on this machine; to be asked of an address without a flaw."""
        place = database_of(self)
        return place is not None and (place[1] == "" or place[0] in _LOOPBACK)


Database = tuple[str, int | str, int]  # host and port, or a path and "", and the number


def database_of(address: BrokerAddress) -> Database | None:
    """Tell one database from another by a value; None where the address can't be read.

    Of what both name, the URL counts and not the options: so redis-py has it. Names of hosts are
    compared as they are written, but for the loopback ones; paths by where they lead.
    """
    try:
        known = {**address.options, **redis.connection.parse_url(address.url)}
        number, port = int(known.get("db") or 0), int(known.get("port", 6379))
    except (TypeError, ValueError):
        return None
    if "path" in known:
        return os.path.realpath(known["path"]), "", number
    host = str(known.get("host", "localhost")).lower().removesuffix(".")
    if address.sentinels:
        return host, "sentinel", number
    return "127.0.0.1" if host in _LOOPBACK else host, port, number


def flaw_of(address: BrokerAddress) -> str | None:
    """Why a connection can't even be tried, in words that hold no password; None where it can."""
    try:
        sync_connection(address, role="check")
    except ValueError:
        # Its words may quote a piece of a password that looked like a port.
        return "The address is not well-formed."
    except (TypeError, RedisError) as error:
        return str(error)
    return None


def sync_connection(address: BrokerAddress, *, role: str) -> Connection:
    """Make a connection, not yet connected. With Sentinel, each connect asks for the master."""
    # What redis-py says that it makes has less than all that it makes.
    return cast(Connection, _sync_pool(address, role).make_connection())


def descriptor_of(connection: Connection) -> int:
    """Return the descriptor of a blocking connection that is made."""
    return connection._sock.fileno()


def async_connection(address: BrokerAddress, *, role: str) -> AsyncConnection:
    """Make a connection like `sync_connection`, for asyncio."""
    pool = _async_pool(address, role)
    connection: AsyncConnection = pool.make_connection()
    if address.sentinels:
        connection.connection_pool = pool  # it asks its pool for the master, and held it weakly
    return connection


def sync_client(address: BrokerAddress, *, role: str = "control") -> redis.Redis:
    """Make an ordinary client, for commands that are not on the path of a request."""
    return redis.Redis(connection_pool=_sync_pool(address, role))


def server_info(address: BrokerAddress) -> dict[str, Any]:
    """Ask the server what it says of itself (INFO), and its eviction policy.

    Raises:
        NotSent: it could not be asked.
    """
    try:
        with sync_client(address) as client:
            info: dict[str, Any] = client.info()
            return info
    except ResponseError as error:
        raise error_reply(INFO, error) from error
    except (RedisError, OSError, UNREADABLE) as error:
        raise not_connected(error) from error


def _common(address: BrokerAddress, role: str) -> dict[str, Any]:
    return {
        "socket_connect_timeout": CONNECT_WITHIN,
        "client_name": f"queueproxy:{role}",
        "driver_info": None,  # no CLIENT SETINFO: Redis 7.0 has none, and no right to it to give
        **address.options,
        "protocol": 2,
        "decode_responses": False,
        "health_check_interval": 0,
    }


def _sync_pool(address: BrokerAddress, role: str) -> redis.ConnectionPool:
    options = _common(address, role)
    # Of this timeout are also the first words after connecting: a server that accepts and then
    # says nothing (a frozen host) must not hold a worker for ever.
    options |= {"socket_timeout": ANSWER_WITHIN, "retry": Retry(NoBackoff(), 0)}
    if not address.sentinels:
        return redis.ConnectionPool.from_url(address.url, **options)
    how = _sentinel_options(address) | {"retry": Retry(NoBackoff(), 0)}
    manager = redis.Sentinel(address.sentinels, sentinel_kwargs=how)
    service, own = _service(address.url)
    return redis.SentinelConnectionPool(service, manager, **options | own)


def _async_pool(address: BrokerAddress, role: str) -> redis.asyncio.ConnectionPool:
    options = _common(address, role)
    options |= {"socket_timeout": None, "retry": AsyncRetry(NoBackoff(), 0)}
    if not address.sentinels:
        return redis.asyncio.ConnectionPool.from_url(address.url, **options)
    how = _sentinel_options(address) | {"retry": AsyncRetry(NoBackoff(), 0)}
    manager = redis.asyncio.Sentinel(address.sentinels, sentinel_kwargs=how)
    service, own = _service(address.url)
    return redis.asyncio.SentinelConnectionPool(service, manager, **options | own)


def _sentinel_options(address: BrokerAddress) -> dict[str, Any]:
    # One that is away is passed over at once: by default it would be tried again for seconds.
    timeouts = {"socket_timeout": CONNECT_WITHIN, "socket_connect_timeout": CONNECT_WITHIN}
    return {**timeouts, **address.sentinel_options}


def _service(url: str) -> tuple[str, dict[str, Any]]:
    """Service name of a Sentinel URL, ``redis://user:password@name/0``, and the rest of it."""
    parsed = redis.connection.parse_url(url)
    own = {name: parsed[name] for name in ("username", "password", "db") if name in parsed}
    return parsed.get("host", "mymaster"), own | {"ssl": url.startswith("rediss://")}
