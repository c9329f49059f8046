"""One connection to the broker: connects when needed, agrees on the epoch, runs scripts.

A link never retries a command whose fate is unknown: it drops the connection and raises
BrokerUnavailable. Every script is safe to send again, so its caller decides.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType

import hiredis
from redis.connection import PythonRespSerializer
from redis.exceptions import AskError, MasterDownError, ReadOnlyError, RedisError, ResponseError

from ...exceptions import BrokerUnavailable
from ...keys import Keys
from .connect import ANSWER_WITHIN, BrokerAddress, async_connection, descriptor_of, sync_connection
from .connections import AsyncConnection, Connection
from .node import Node
from .protocol import (
    UNREADABLE,
    Argument,
    Command,
    RedisReply,
    ScriptSession,
    error_reply,
    not_connected,
    unreadable,
)
from .spin_wait import SpinWait

# By these a server says that others have the keys, or may write them: behind its address there may
# be another by now.
NO_LONGER_HERE = (AskError, ReadOnlyError, MasterDownError)
BULKY = 16 * 1024  # bytes of an argument that is written by itself
# hiredis declares it for commands of one word.
_packed_command: Callable[[Command], bytes] = hiredis.pack_command  # type: ignore[assignment]


def _packed(
    connection: Connection | AsyncConnection, commands: Sequence[Command], bulky: bool
) -> list[bytes]:
    if bulky:
        # To copy a chunk of a body takes longer than to hash it: it is written by itself.
        serializer = PythonRespSerializer(BULKY, connection.encoder.encode)
        return [piece for command in commands for piece in serializer.pack(*command)]
    # All in one write. redis-py packs in Python: that was a twentieth of the front's time.
    return [b"".join(map(_packed_command, commands))]


class Link:
    """The blocking link of one thread; not to be shared.

    Args:
        address: of the broker.
        keys: of the namespace.
        role: told to the server as the connection's name.
        lease_ms: what every lease is extended to when the epoch changes.
        spin: wait without sleeping for answers that don't block (see `SpinWait`): for a process
            that has nothing else to do meanwhile, on a machine with cores to spare.
    """

    def __init__(
        self, address: BrokerAddress, keys: Keys, role: str, lease_ms: int, *, spin: bool = False
    ):
        self.keys = keys
        self._session = ScriptSession(keys, lease_ms)
        self._connection = sync_connection(address, role=role)
        self._node = Node(self._connection, keys)
        self._spin = SpinWait() if spin else None

    @property
    def run_id(self) -> str:
        """The server's run_id as of this connection; empty while there is none."""
        return self._session.run_id

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *exc_info: type | BaseException | TracebackType | None) -> None:
        self.close()

    def commands(
        self,
        commands: Sequence[Command],
        timeout: float = ANSWER_WITHIN,
        while_waiting: Callable[[], None] | None = None,
        *,
        bulky: bool = False,
    ) -> list[RedisReply]:
        """Send all in one write, read all replies; an error reply is returned as ErrorReply.

        Args:
            timeout: seconds.
            while_waiting: called once they are sent, before a reply is waited for.
            bulky: whether an argument is larger than BULKY; then no copy is made of it.

        Raises:
            BrokerUnavailable: no connection, or no answer within `timeout` seconds.
        """
        connection = self._connection
        try:
            if not connection.is_connected:
                self._connect()
            connection.send_packed_command(_packed(connection, commands, bulky))
            if while_waiting is not None:
                while_waiting()
            if self._spin is None or timeout != ANSWER_WITHIN:
                return [self._read(command, timeout) for command in commands]
            self._spin.wait()
            replies = [self._read(command, timeout) for command in commands]
            self._spin.answered()
            return replies
        except (RedisError, OSError) as error:
            self.close()
            raise BrokerUnavailable(str(error)) from error
        except BaseException:
            self.close()  # a half-read reply must not meet the next command
            raise

    def script(
        self,
        name: str,
        *args: Argument,
        sent_ahead: Command | None = None,
        timeout: float = ANSWER_WITHIN,
        while_waiting: Callable[[], None] | None = None,
        bulky: bool = False,
    ) -> RedisReply:
        """Run a script; see ScriptSession.run, and `commands` for what may be done meanwhile."""
        if not self._connection.is_connected:
            self._session.run_id = ""
        conversation = self._session.run(name, args, sent_ahead)
        try:
            batch = next(conversation)
            while True:
                batch = conversation.send(self.commands(batch, timeout, while_waiting, bulky=bulky))
        except StopIteration as stop:
            return stop.value

    def _connect(self) -> None:
        connection = self._connection
        self._session.run_id = ""
        try:
            connection.connect()
            while self._node.is_another(self._ask_for_state()):
                connection.disconnect()
                connection.connect()
            if self._spin is not None:
                self._spin.watch(descriptor_of(connection))
        except (RedisError, OSError, UNREADABLE) as error:
            self._node.reset()
            raise not_connected(error) from error

    def _ask_for_state(self) -> RedisReply:
        self._connection.send_command(*self._node.question)
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return error

    def _read(self, command: Command, timeout: float) -> RedisReply:
        try:
            if timeout == ANSWER_WITHIN:  # the connection's own; another costs two system calls
                return self._connection.read_response()
            return self._connection.read_response(timeout=timeout)
        except NO_LONGER_HERE:
            raise  # connect anew
        except ResponseError as error:
            return error_reply(command, error)
        except UNREADABLE as error:
            raise unreadable(error) from error

    def close(self) -> None:
        """Drop the connection; the next command connects again and asks for the epoch anew."""
        self._session.run_id = ""
        self._connection.disconnect()


class AsyncLink:
    """The asynchronous link; one task at a time may use it. Arguments as for Link."""

    def __init__(self, address: BrokerAddress, keys: Keys, role: str, lease_ms: int):
        self.keys = keys
        self._session = ScriptSession(keys, lease_ms)
        self._connection = async_connection(address, role=role)
        self._node = Node(self._connection, keys)

    @property
    def run_id(self) -> str:
        """The server's run_id as of this connection; empty while there is none."""
        return self._session.run_id

    async def commands(
        self, commands: Sequence[Command], timeout: float = ANSWER_WITHIN, *, bulky: bool = False
    ) -> list[RedisReply]:
        """Do what `Link.commands` does."""
        connection = self._connection
        try:
            async with asyncio.timeout(timeout):
                await self._be_connected()
                await connection.send_packed_command(_packed(connection, commands, bulky))
                return [await self._read(command) for command in commands]
        except (RedisError, OSError, TimeoutError) as error:
            await self.close()
            raise BrokerUnavailable(str(error) or "The broker did not answer in time.") from error
        except BaseException:
            await self.close()
            raise

    async def script(
        self,
        name: str,
        *args: Argument,
        sent_ahead: Command | None = None,
        timeout: float = ANSWER_WITHIN,
        bulky: bool = False,
    ) -> RedisReply:
        """Run a script; see ScriptSession.run."""
        if not self._connection.is_connected:
            self._session.run_id = ""
        conversation = self._session.run(name, args, sent_ahead)
        try:
            batch = next(conversation)
            while True:
                batch = conversation.send(await self.commands(batch, timeout, bulky=bulky))
        except StopIteration as stop:
            return stop.value

    def script_command(self, name: str, *args: Argument) -> Command:
        """Spell a script as one of `commands`, in this connection's epoch; its reply is not
        checked.

        Where that is not what the script replies when it has done its work, call `script`.
        """
        return self._session.command(name, args)

    async def _be_connected(self) -> None:
        connection = self._connection
        try:
            # Nothing is due: what can be read is the end, so that nothing sent now would arrive.
            # The caller has to know: behind the next connection may be another epoch.
            if connection.is_connected and await connection.can_read():
                raise ConnectionResetError("The connection was lost.")
            if not connection.is_connected:
                await self._connect()
        except (RedisError, OSError, UNREADABLE, asyncio.CancelledError) as error:
            await self.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise not_connected(error) from error

    async def _connect(self) -> None:
        connection = self._connection
        self._session.run_id = ""
        try:
            await connection.connect()
            while self._node.is_another(await self._ask_for_state()):
                await connection.disconnect(nowait=True)
                await connection.connect()
        except (RedisError, OSError, UNREADABLE):
            self._node.reset()
            raise

    async def _ask_for_state(self) -> RedisReply:
        await self._connection.send_command(*self._node.question)
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error

    async def _read(self, command: Command) -> RedisReply:
        try:
            return await self._connection.read_response()
        except NO_LONGER_HERE:
            raise
        except ResponseError as error:
            return error_reply(command, error)
        except UNREADABLE as error:
            raise unreadable(error) from error

    async def close(self) -> None:
        """Drop the connection; the next command connects again and asks for the epoch anew."""
        self._session.run_id = ""
        await self._connection.disconnect(nowait=True)
