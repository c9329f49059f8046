"""Waiting on observed state."""

import time
from collections.abc import Callable
from typing import TypeVar

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
