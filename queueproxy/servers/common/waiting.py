"""Waits for what has no event of its own."""

import asyncio
from collections.abc import Callable

INTERVAL = 0.02  # seconds


async def until(done: Callable[[], bool], seconds: float) -> None:
    """Return when `done` says so, at the latest after `seconds`. Only for the end of a server."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not done() and clock() < deadline:  # noqa: ASYNC110 - the servers' sets tell nobody
        await asyncio.sleep(INTERVAL)
