"""The front as an ASGI application.

``application`` is ready for a server. `QueueProxy` is for a ``ProtocolTypeRouter`` of your own::

    application = ProtocolTypeRouter({"http": QueueProxy(), "websocket": ...})

The import loads the app registry, so that what follows it may import models.
"""

import asyncio
import logging
import sys
import weakref
from itertools import chain
from typing import Any

import django
from channels.routing import ProtocolTypeRouter
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from . import conf
from .asgi_types import Receive, Scope, Send
from .front.http import pages
from .front.http.cut import Cut
from .front.http.page_files import read_pages
from .front.http.refusals import Refusal
from .front_problems import problems_of_front
from .running_front import RunningFront
from .servers import foreign_server
from .setting_problems import Problem

__all__ = ["QueueProxy", "application"]  # noqa: F822  # made when it is asked for

logger = logging.getLogger("queueproxy.front")
_constructed: weakref.WeakSet["QueueProxy"] = weakref.WeakSet()

# Exit status by which gunicorn (`Arbiter.WORKER_BOOT_ERROR`) and uvicorn (`STARTUP_FAILURE`) know a
# process that can't start: with any other they would start it again for good.
CANNOT_START = 3


def constructed() -> tuple["QueueProxy", ...]:
    """Return each `QueueProxy` of this process, for what starts and stops with the server."""
    return tuple(_constructed)


class WrongSettings(ImproperlyConfigured, SystemExit):
    """The settings can't work: a server that imports this ends, with the status CANNOT_START."""

    def __init__(self, problem: Problem):
        super().__init__(f"{problem.message} {problem.hint} (queueproxy.{problem.code})")
        self.code = CANNOT_START


class QueueProxy:
    """Puts every HTTP request on the queue; needs settings and app registry, no project code.

    Raises:
        WrongSettings: they would answer each request with an error.
    """

    def __init__(self) -> None:
        for problem in chain(conf.problems(), problems_of_front()):
            if not problem.is_warning:
                wrong = WrongSettings(problem)
                # The interpreter prints nothing where a status is told.
                sys.stderr.write(f"{wrong}\n")
                raise wrong
        pages.use(read_pages(conf.get_settings().error_pages))
        # Whether a browser is told what to run where nobody serves; else it just waits.
        self.explains = django_settings.DEBUG
        self._running: RunningFront | None = None
        _constructed.add(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] == "websocket":  # of a project without a consumer for it
            await receive()
            await send({"type": "websocket.close"})
            return
        # uvicorn adds the trailers of a body to its own list, after the headers were judged.
        scope = {**scope, "headers": list(scope["headers"])}
        try:
            await self.running().answer(scope, receive, send)
        except Cut as cut:
            if not foreign_server.cut(send, at_once=cut.at_once):
                raise
            logger.info("An answer was cut short: %s", cut)

    def running(self) -> RunningFront:
        """Return the front of the running event loop, started on first use."""
        loop = asyncio.get_running_loop()
        if self._running is None or self._running.loop is not loop:
            self._running = RunningFront(explains=self.explains)
        return self._running

    def drain(self) -> None:
        """Say from now on that this front is going: ``readyz`` answers 503."""
        if self._running is not None:
            self._running.front.draining = True

    def count(self, refusal: Refusal) -> bool:
        """Have an answer counted that the server has given itself; whether a front is running."""
        if self._running is None:
            return False
        self._running.front.untold.counts.add(refusal)
        return True

    def held_requests(self) -> list[dict[str, Any]]:
        """List what is held now, as of `RunningFront.held_requests`."""
        return [] if self._running is None else self._running.held_requests()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.running()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def stop(self) -> None:
        """Leave the broker's list; what is still held is dropped there."""
        if self._running is not None:
            await self._running.stop()
            self._running = None


def get_application() -> ProtocolTypeRouter:
    """Return an application that queues HTTP and closes every websocket."""
    proxy = QueueProxy()
    return ProtocolTypeRouter({"http": proxy, "websocket": proxy, "lifespan": proxy})


def __getattr__(name: str) -> ProtocolTypeRouter:
    # A project with a router of its own has no use for a second `QueueProxy`, which nobody calls.
    if name != "application":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()["application"] = get_application()
    return made


django.setup(set_prefix=False)  # settings and app registry, nothing else
