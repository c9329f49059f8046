"""An event loop that a forked child of its process can't go on with.

A child has a copy of the loop with all that is ready to run in it, and shares its descriptors. If
it went on, requests would be run twice, and what it registers with the shared poll object its
parent would hear of. So a child loses the loop's descriptors, and ends where it comes back to it:
`end_on_return` of returning_child.py sees to that for what the loop runs, and this loop itself for
what a thread tells it.
"""

import asyncio
import os
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context
from typing import Any, TypeVarTuple

from ..forking import end_forked_child, keep_from_children
from ..returning_child import FAILED, outcome_of

Ts = TypeVarTuple("Ts")


class RequestLoop(asyncio.SelectorEventLoop):
    """The loop of a worker process."""

    def __init__(self) -> None:
        selector = selectors.DefaultSelector()
        super().__init__(selector)
        self._kept_from_children = _LoopOfParent(self, selector)  # known weakly elsewhere
        keep_from_children(self._kept_from_children)

    def call_soon_threadsafe(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """See asyncio. A child forked by a view in a thread comes back here, to tell its result."""
        end_forked_child(_outcome_of(args))
        return super().call_soon_threadsafe(callback, *args, context=context)

    def run_to_the_end(self, main: Coroutine[Any, Any, None]) -> None:
        """Run until `main` returns, whoever calls sys.exit() in the loop meanwhile.

        Raises:
            BaseException: what `main` raises.
        """
        task = self.create_task(main)
        while True:
            try:
                self.run_until_complete(task)
                return
            except (SystemExit, KeyboardInterrupt) as error:
                end_forked_child(error)
                if task.done():
                    raise
            except BaseException:
                end_forked_child(FAILED)  # it has met what `_LoopOfParent` left
                raise

    def end(self) -> None:
        """Cancel what still runs, as asyncio.run() does, and close."""
        try:
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_to_the_end(_all_of(left))
            self.run_to_the_end(self.shutdown_asyncgens())
        finally:
            self.close()


class _LoopOfParent:
    """Takes a loop away from a forked child: without a word to its parent."""

    def __init__(self, loop: RequestLoop, selector: selectors.BaseSelector):
        self._loop = loop
        self._selector = selector

    def close(self) -> None:
        """To be called in the child alone."""
        loop: Any = self._loop  # what is changed here, asyncio keeps to itself
        if loop.is_closed():
            return
        loop._ready.clear()
        descriptors = [loop._csock.fileno(), *self._selector.get_map()]
        self._selector.close()
        loop._selector = selectors.SelectSelector()  # of nothing
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for descriptor in descriptors:
            os.dup2(nothing, descriptor, inheritable=False)  # so nobody closes another's later
        os.close(nothing)


async def _all_of(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _outcome_of(args: tuple[object, ...]) -> BaseException | int:
    """Find how a call in a thread has ended, among what is told to the loop about that."""
    told = [outcome_of(argument) for argument in args if isinstance(argument, Future)]
    return told[0] if told else 0
