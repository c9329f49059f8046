"""Runs many dead letters again, a few at a time, for as long as there is time."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from ...exceptions import BrokerUnavailable
from .listed import DeadLetter
from .replay import CannotReplay

AT_ONCE = 8  # each has two connections of its own


@dataclass
class Replayed:
    """What became of them.

    Attributes:
        answered: that were answered, and are deleted.
        errors: of these, answers of 5xx.
        failed: reasons for which others could not be run, or were not answered, and how many.
        left: for which there was no time.
    """

    answered: int = 0
    errors: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    left: int = 0


async def replay_many(
    letters: Iterable[DeadLetter],
    replay_one: Callable[[DeadLetter], Awaitable[int]],
    seconds: float,
) -> Replayed:
    """Run these again, and begin none after so many seconds.

    Args:
        replay_one: runs one and returns the status of its answer; may raise CannotReplay, and
            BrokerUnavailable, after which none is begun any more.
    """
    found, end, waiting = Replayed(), time.monotonic() + seconds, iter(letters)

    async def run_some() -> None:
        nonlocal end
        for letter in waiting:
            if time.monotonic() >= end:
                found.left += 1
                continue
            try:
                status = await replay_one(letter)
            except CannotReplay as error:
                found.failed[str(error)] += 1
            except BrokerUnavailable as error:
                found.failed[f"The broker can't be reached: {error}"] += 1
                end = 0.0
            else:
                found.answered += 1
                found.errors += status >= 500

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(run_some())
    return found
