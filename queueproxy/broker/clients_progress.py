"""Reads what fronts say to one worker process about the clients of its answers."""

from typing import NamedTuple, Self

from ..keys import Keys
from .handle import Broker
from .link.protocol import Command, RedisReply, checked

LEFT = b"left"  # as in scripts/_clients.lua
MARGIN = 5.0  # seconds an answer may come after the end of a block


class Progress(NamedTuple):
    """Tells how far the clients of a worker's answers are.

    Attributes:
        taken: registration (see Claim) -> bytes of its streamed answer that the client has taken.
        left: registrations of requests whose clients have gone.
    """

    taken: dict[str, int]
    left: frozenset[str]


NOTHING = Progress({}, frozenset())


class ProgressReader:
    """Waits for news of clients and reads all that is known; a context manager.

    Args:
        broker: makes its own link.
    """

    def __init__(self, broker: Broker):
        self._link = broker.link("worker-flow")
        self._keys = broker.keys

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._link.close()

    def read(self, worker: str, block: float) -> Progress:
        """Read all that is known, once there is news or after `block` seconds; at once where that
        is 0.

        Raises:
            BrokerUnavailable: the news may be lost; read again without blocking.
        """
        return _progress(self._link.commands(_commands(self._keys, worker, block), block + MARGIN))


class AsyncProgressReader:
    """Does for asyncio what `ProgressReader` does. Arguments as for that."""

    def __init__(self, broker: Broker):
        self._link = broker.async_link("worker-flow")
        self._keys = broker.keys

    async def close(self) -> None:
        """Drop the link."""
        await self._link.close()

    async def read(self, worker: str, block: float) -> Progress:
        """Do what `ProgressReader.read` does."""
        commands = _commands(self._keys, worker, block)
        return _progress(await self._link.commands(commands, block + MARGIN))


def _commands(keys: Keys, worker: str, block: float) -> list[Command]:
    """Spell what waits for the bell (Redis BLPOP) and reads (Redis HGETALL)."""
    commands: list[Command] = [("HGETALL", keys.named("flow", worker))]
    if block:
        commands.insert(0, ("BLPOP", keys.named("bell", f"flow@{worker}"), block))
    return commands


def _progress(replies: list[RedisReply]) -> Progress:
    return _progress_of([checked(reply) for reply in replies][-1])


def _progress_of(flat: list[bytes]) -> Progress:
    found = {name.decode(): how_far for name, how_far in zip(flat[::2], flat[1::2], strict=True)}
    left = frozenset(name for name, how_far in found.items() if how_far == LEFT)
    return Progress({name: int(n) for name, n in found.items() if name not in left}, left)
