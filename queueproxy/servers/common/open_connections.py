"""Counts a server's open connections, and chooses which one makes room for a new one."""

import resource
from collections.abc import Iterator
from typing import Protocol

from . import limits
from .unread import Reader, UnreadBytes


class Waiter(Reader, Protocol):
    """A connection that may be waiting for its client."""

    def make_room(self) -> None:
        """Close, without waiting for the next request."""


class OpenConnections:
    """The open connections of one server.

    Args:
        most: how many; None for as many as the limits and the system allow.

    Attributes:
        unread: what their clients have sent and nobody has taken.
    """

    def __init__(self, most: int | None = None):
        self._most = most if most is not None else _allowed()
        self._working: set[Waiter] = set()
        self._waiting: dict[Waiter, None] = {}  # in order, the longest first
        self.unread = UnreadBytes(self)

    def __iter__(self) -> Iterator[Waiter]:
        yield from self._waiting
        yield from self._working

    def has_room(self, others: int = 0) -> bool:
        """Whether one more may come; where all are taken, the one idle longest is closed for it.

        Args:
            others: connections that are not listed here and count as well.
        """
        if len(self._working) + len(self._waiting) + others < self._most:
            return True
        if not self._waiting:
            return False
        next(iter(self._waiting)).make_room()
        return True

    def wait(self, connection: Waiter) -> None:
        """List a connection as one that waits for its client's next request."""
        self._working.discard(connection)
        self._waiting[connection] = None

    def work(self, connection: Waiter) -> None:
        """List a connection as one whose request is not answered yet."""
        self._waiting.pop(connection, None)
        self._working.add(connection)

    def remove(self, connection: Waiter) -> None:
        """Take a connection off: it takes no more requests."""
        self._waiting.pop(connection, None)
        self._working.discard(connection)


def allow_open_files() -> None:
    """Raise this process's limit of open files to what the connections need, as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.MAX_CONNECTIONS + limits.SPARE_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _allowed() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limits.MAX_CONNECTIONS
    return max(1, min(limits.MAX_CONNECTIONS, files - limits.SPARE_FILES))
