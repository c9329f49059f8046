"""Reads what fronts say to one worker process about the clients of its answers."""

from typing import NamedTuple, Self

from .handle import Broker
from .link.protocol import checked

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
        self._names = broker.keys.named

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
        commands = [("HGETALL", self._names("flow", worker))]
        if block:
            commands.insert(0, ("BLPOP", self._names("bell", f"flow@{worker}"), block))
        replies = [checked(reply) for reply in self._link.commands(commands, block + MARGIN)]
        return _progress(replies[-1])


def _progress(flat: list[bytes]) -> Progress:
    found = {name.decode(): how_far for name, how_far in zip(flat[::2], flat[1::2], strict=True)}
    left = frozenset(name for name, how_far in found.items() if how_far == LEFT)
    return Progress({name: int(n) for name, n in found.items() if name not in left}, left)
