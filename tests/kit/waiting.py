"""Waiting on observed state."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

PATIENCE = 60.0  # seconds, on a busy machine
LEAST_PAUSE, MOST_PAUSE = 0.005, 0.05  # seconds between looks
Seen = TypeVar("Seen")


def wait_until(look: Callable[[], Seen], what: str = "", timeout: float = PATIENCE) -> Seen:
    """The first true value that `look` gives.

    Raises:
        AssertionError: none came in time.
    """
    began = time.monotonic()
    while True:
        seen = look()
        if seen:
            return seen
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"Not within {timeout:g} s: {what or look}")
        time.sleep(_pause(waited))


def _pause(waited: float) -> float:
    """Seconds until the next look, few of those waited: looks take their time from what starts."""
    return min(MOST_PAUSE, max(LEAST_PAUSE, waited / 20))


async def eventually(
    look: Callable[[], Seen | Coroutine[Any, Any, Seen]], what: str = "", timeout: float = PATIENCE
) -> Seen:
    """The same on an event loop, which goes on; `look` may be a coroutine function.

    Raises:
        TimeoutError: none came in time.
    """
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            while True:
                seen = look()
                if asyncio.iscoroutine(seen):
                    seen = await seen
                if seen:
                    return seen
                await asyncio.sleep(_pause(time.monotonic() - began))
    except TimeoutError as error:
        raise TimeoutError(f"Not within {timeout:g} s: {what or look}") from error
