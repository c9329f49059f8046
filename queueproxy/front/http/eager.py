"""Begins what may not have to wait at all, without what waiting costs."""

from collections.abc import Awaitable, Generator
from typing import Any


def begin(awaitable: Awaitable[None]) -> Awaitable[None] | None:
    """Run it until it waits for something.

    To be called in a task, in place of ``await``: what is begun is part of that.

    Returns:
        What is left of it, to be awaited at once; None where it is done.
    """
    steps: Generator[Any, None, None] = awaitable.__await__()
    try:
        waits_for = next(steps)
    except StopIteration:
        return None
    return _Rest(steps, waits_for)


class _Rest:
    """The rest of an awaitable, which waits for something already."""

    __slots__ = ("_steps", "_waits_for")

    def __init__(self, steps: Generator[Any, None, None], waits_for: Any):
        self._steps = steps
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, None, None]:
        """Hand on what it waits for, and what comes of that, as ``yield from`` does (PEP 380)."""
        waits_for, steps = self._waits_for, self._steps
        try:
            while True:
                try:
                    yield waits_for
                except BaseException as error:
                    waits_for = steps.throw(error)
                else:
                    waits_for = next(steps)
        except StopIteration:
            return
