"""Reads the body of a claimed request that its front keeps, piece by piece.

The worker asks by a script (`ask_for_body`), which counts the pieces in the broker's bytes before
they are there and puts the question among the front's replies. The front sets each piece as a value
of its own and rings the bell of the worker's slot (`hand_over`). The worker reads the value; with
the next question it says that it has, and the piece is deleted. A piece that is lost on the way is
asked for again, and one set by a front that dies expires.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, LifoQueue
from typing import TypeVar

from ..exceptions import BodyUnreadable, Fenced
from ..keys import Keys
from .claims import Claim
from .handle import Broker
from .link.links import Link
from .link.protocol import Command, RedisReply, checked, unless_fenced

AHEAD = 4  # pieces asked for at most, beyond those read
WAIT = 1.0  # seconds a read waits for a piece
MARGIN = 5.0  # seconds an answer may come after the end of a block
GONE = b"gone"

T = TypeVar("T")

# Reads a piece by its number, asking again for it or not: see PieceReader.read.
ReadPiece = Callable[[int, bool], Awaitable[bytes | None]]


class PieceLink:
    """One thread's link to read bodies by; a view may read its body on another thread.

    Args:
        broker: makes the link; it connects when the first large body is read.
    """

    def __init__(self, broker: Broker):
        self.max_memory = broker.max_memory
        self._link = broker.link("worker-bodies")
        self._lock = threading.Lock()

    @property
    def keys(self) -> Keys:
        return self._link.keys

    def use(self, action: Callable[[Link], T]) -> T:
        """Do something with the link while nobody else does."""
        with self._lock:
            return action(self._link)

    def close(self) -> None:
        """Drop the connection."""
        with self._lock:
            self._link.close()


class PieceLinks:
    """Links by which several threads of a process read bodies at the same time. Thread-safe.

    Args:
        broker: makes the links; each connects when it is first needed.
        most: how many.
    """

    def __init__(self, broker: Broker, most: int):
        self.max_memory = broker.max_memory
        self.keys = broker.keys
        self._closed = False
        self._free: LifoQueue[PieceLink] = LifoQueue()  # so that as few connect as are needed
        for _ in range(most):
            self._free.put(PieceLink(broker))

    def use(self, action: Callable[[Link], T]) -> T:
        """Do something with a link that nobody else uses."""
        link = self._free.get()
        try:
            return link.use(action)
        finally:
            if self._closed:
                link.close()
            self._free.put(link)

    def close(self) -> None:
        """Drop the connections, those in use when they are no longer."""
        self._closed = True
        links = []
        with suppress(Empty):
            while True:
                links.append(self._free.get_nowait())
        for link in links:
            link.close()
            self._free.put(link)


class PieceReader:
    """Reads the body of one claim.

    Args:
        link: of the thread that holds the lease, or those of the event loop.
        claim: of the request.
        slot: that holds the lease: ``worker/thread``.
        count: pieces of the body.
    """

    def __init__(self, link: PieceLink | PieceLinks, claim: Claim, slot: str, count: int):
        self._link = link
        self._claim = claim
        self._slot = slot
        self._count = count
        self._asked = 0  # pieces, those read included

    def read(self, number: int, *, again: bool = False) -> bytes | None:
        """Read a piece, those before it having been read; None where it has not come within WAIT.

        Args:
            again: ask once more for what has been asked for.

        Raises:
            BodyUnreadable: nobody waits for the answer, or the lease has ended.
            BrokerUnavailable: call again.
        """
        is_there = number < self._asked and not again
        if not is_there or self._asked < min(self._count, number + AHEAD // 2 + 1):
            self._ask(number, again=again)
        piece = self._get(number) if is_there else None
        return self._wait(number) if piece is None else piece

    def _ask(self, read: int, *, again: bool) -> None:
        claim, worker = self._claim, self._slot.rpartition("/")[0]
        lease = (worker, self._slot, claim.id, claim.entry, claim.attempt)
        upto = min(self._count, read + AHEAD)
        arguments = (*lease, read, upto, int(again), self._link.max_memory)
        try:
            asked = unless_fenced(
                self._link.use(lambda link: link.script("ask_for_body", *arguments))
            )
        except Fenced as error:
            raise BodyUnreadable("The request is over, or its worker was given up.") from error
        if asked == GONE:
            raise BodyUnreadable("The request's client has gone.")
        self._asked = asked

    def _get(self, number: int) -> bytes | None:
        piece: bytes | None
        (piece,) = self._commands(("GET", self._key(number)))
        return piece

    def _wait(self, number: int) -> bytes | None:
        """Read the piece once the front has rung."""
        piece: bytes | None
        bell = self._link.keys.named("bell", f"body@{self._slot}")
        rung, piece = self._commands(("BLPOP", bell, WAIT), ("GET", self._key(number)))
        if rung and piece is None:
            self._ask(number, again=False)  # perhaps the client has gone
        return piece

    def _commands(self, *commands: Command) -> list[RedisReply]:
        replies = self._link.use(lambda link: link.commands(commands, WAIT + MARGIN))
        return [checked(reply) for reply in replies]

    def _key(self, number: int) -> str:
        claim = self._claim
        return piece_key(self._link.keys, claim.id, claim.entry, claim.attempt, number)


class PieceThreads:
    """Reads bodies for an event loop, so many at a time, in threads of its own; others wait.

    Args:
        broker: makes the links.
        most: how many.
    """

    def __init__(self, broker: Broker, most: int):
        self._links = PieceLinks(broker, most)
        self._threads = ThreadPoolExecutor(most, "bodies")

    def reader(self, claim: Claim, slot: str, count: int) -> ReadPiece:
        """Make what reads the body of one claim. Arguments as of `PieceReader`."""
        reader = PieceReader(self._links, claim, slot, count)

        def read(number: int, again: bool) -> Awaitable[bytes | None]:
            loop = asyncio.get_running_loop()
            return loop.run_in_executor(self._threads, partial(reader.read, number, again=again))

        return read

    def close(self) -> None:
        """Drop the connections; what is read just now is nobody's any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._links.close()


def piece_key(keys: Keys, id: str, entry: str, attempt: int, number: int) -> str:
    """Spell the key of a piece of a body, as `piece_name` of scripts/_pieces.lua does."""
    return keys.named("piece", f"{id}:{entry}:{attempt}:{number}")
