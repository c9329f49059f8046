"""Tells an application that its server starts and stops, where the server does not."""

import asyncio
import contextlib
import logging
from typing import Any

from ...asgi_types import ASGIApplication, Message

logger = logging.getLogger("queueproxy.front")

STOP_WITHIN = 5.0  # seconds


class Lifespan:
    """The lifespan protocol of ASGI, from the server's side.

    An application without it is left alone.

    Args:
        app: the application.
        state: what it may leave for its requests; None where the server has no such thing.
    """

    def __init__(self, app: ASGIApplication, state: dict[str, Any] | None = None):
        self._app = app
        self._state = {} if state is None else {"state": state}
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._answered = asyncio.Event()
        self._failure = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Tell it that the server starts.

        Raises:
            RuntimeError: it can't start.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, **self._state}
        self._task = asyncio.ensure_future(self._app(scope, self._incoming.get, self._send))
        self._task.add_done_callback(lambda _: self._answered.set())
        await self._ask("lifespan.startup")
        if self._failure:
            raise RuntimeError(self._failure)
        if self._task.done() and not self._task.cancelled():
            logger.debug("The application has no lifespan: %s", self._task.exception())

    async def stop(self) -> None:
        """Tell it that the server stops; it is cancelled when it takes too long."""
        if self._task is None or self._task.done():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await self._ask("lifespan.shutdown")
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _ask(self, what: str) -> None:
        self._answered.clear()
        self._incoming.put_nowait({"type": what})
        await self._answered.wait()

    async def _send(self, message: Message) -> None:
        if message["type"].endswith(".failed"):
            self._failure = message.get("message", "") or message["type"]
        self._answered.set()
