"""A start that leaves nothing behind where it fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Stoppable(Protocol):
    """What can be stopped, however far it has come."""

    def stop(self) -> None:
        """End it and take its files away."""


@contextmanager
def starting(server: Stoppable) -> Iterator[None]:
    """Stop the server again where this block fails."""
    try:
        yield
    except BaseException:
        server.stop()
        raise
