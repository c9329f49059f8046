"""The servers as somebody starts them by hand, on an application of the tests."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..kit.asking import HOST, listens
from ..kit.ports import free_port
from ..kit.processes import Process

BY_HAND = {
    "daphne": ("daphne", "-v", "0", "-p"),
    "uvicorn": ("uvicorn", "--log-level", "critical", "--port"),
}


@contextmanager
def by_hand(
    server: str, application: str, directory: Path
) -> Iterator[tuple[tuple[str, int], Process]]:
    """Run a server: its address, and its process.

    Args:
        server: one of `BY_HAND`.
        application: as on the command line.
        directory: for its log.
    """
    port = free_port()
    command = (sys.executable, "-m", *BY_HAND[server], str(port), application)
    process = Process(command, directory / server)
    try:
        process.until(lambda: listens(port), server)
        yield (HOST, port), process
    finally:
        process.kill()
        process.wait()
