"""Waiting on observed state."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

PATIENCE = 20.0  # seconds
Seen = TypeVar("Seen")


def wait_until(look: Callable[[], Seen], what: str = "", timeout: float = PATIENCE) -> Seen:
    """The first true value that `look` gives.

    Raises:
        AssertionError: none came in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {timeout:g} s: {what or look}")
        time.sleep(0.01)


async def eventually(
    look: Callable[[], Seen | Coroutine[Any, Any, Seen]], what: str = "", timeout: float = PATIENCE
) -> Seen:
    """The same on an event loop, which goes on; `look` may be a coroutine function.

    Raises:
        TimeoutError: none came in time.
    """
    try:
        async with asyncio.timeout(timeout):
            while True:
                seen = look()
                if asyncio.iscoroutine(seen):
                    seen = await seen
                if seen:
                    return seen
                await asyncio.sleep(0.005)
    except TimeoutError as error:
        raise TimeoutError(f"Not within {timeout:g} s: {what or look}") from error
