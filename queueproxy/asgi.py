"""The front as an ASGI application.

``application`` is ready for a server. `QueueProxy` is for a ``ProtocolTypeRouter`` of your own::

    application = ProtocolTypeRouter({"http": QueueProxy(), "websocket": ...})

The import loads the app registry, so that what follows it may import models.
"""

import asyncio
import logging
import sys
import weakref
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import django
import msgspec
from channels.routing import ProtocolTypeRouter
from django.core.exceptions import ImproperlyConfigured

from . import conf, tracing
from .broker.observe.no_worker_log import NoWorkerLog
from .broker.observe.reader import SnapshotReader
from .conf import Problem
from .consumer_settings import consumer_options
from .front.consumer import RequestConsumer
from .front.consumer_options import ConsumerOptions
from .front.endpoints import EndpointOptions, Endpoints
from .front.front import Front, FrontOptions
from .front.http import access_log
from .front.http.cut import Cut
from .front.http.headers import parse_networks, peer_is_among
from .front.observer import Observer
from .servers import foreign_server

if TYPE_CHECKING:
    from .tracing.front import FrontTracing

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

    def __init__(self):
        for problem in chain(conf.problems(), conf.problems_of_spool()):
            if not problem.is_warning:
                wrong = WrongSettings(problem)
                # The interpreter prints nothing where a status is told.
                sys.stderr.write(f"{wrong}\n")
                raise wrong
        self._front: Front | None = None
        self._no_worker_log: NoWorkerLog | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._options: ConsumerOptions | None = None
        self._endpoints: Endpoints | None = None
        self._tracing: FrontTracing | None = None
        self._told_of_forwarding = False
        _constructed.add(self)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] == "websocket":  # of a project without a consumer for it
            await receive()
            await send({"type": "websocket.close"})
            return
        # uvicorn adds the trailers of a body to its own list, after the headers were judged.
        scope = {**scope, "headers": list(scope["headers"])}
        self.front()
        scope = self._as_connected(scope, send)
        answer = partial(self._answer, server_adds=foreign_server.headers_it_adds(send))
        if access_log.is_on():  # under a server that somebody else started
            answer = access_log.logged(answer)
        try:
            await answer(scope, receive, foreign_server.waiting_for_room(send))
        except Cut as cut:
            if not foreign_server.cut(send, at_once=cut.at_once):
                raise
            logger.info("An answer was cut short: %s", cut)

    async def _answer(
        self, scope: dict, receive: Callable, send: Callable, server_adds: frozenset[bytes]
    ) -> None:
        if self._endpoints.owns(scope):
            await self._endpoints.answer(scope, send, server_adds)
            return
        entry = scope.get(access_log.KEY)
        observers: tuple[Observer, ...] = () if entry is None else (entry,)
        if self._tracing is None:
            consumer = RequestConsumer(self._front, self._options, server_adds, observers)
            await consumer(scope, receive, send)
            return
        with self._tracing.begin(scope) as trace:
            if entry is not None:
                entry.trace(trace.trace_id)
            observers += (trace,)
            consumer = RequestConsumer(self._front, self._options, server_adds, observers)
            await consumer(scope, receive, send)

    def _as_connected(self, scope: dict, send: Callable) -> dict:
        """Return the scope, in which nobody is believed but TRUSTED_PROXIES."""
        connected = foreign_server.as_connected(scope, send)
        if connected is scope or self._told_of_forwarding:
            return connected
        if not peer_is_among(connected["client"], self._options.trusted_proxies):
            self._told_of_forwarding = True
            logger.warning(
                "The server believes X-Forwarded-For and X-Forwarded-Proto by itself. They are "
                "ignored: only TRUSTED_PROXIES counts, which does not name who sends them."
            )
        return connected

    def front(self) -> Front:
        """Return the front of the running event loop, started on first use."""
        loop = asyncio.get_running_loop()
        if self._front is None or self._loop is not loop:
            self._start(loop)
        return self._front

    def drain(self) -> None:
        """Say from now on that this front is going: ``readyz`` answers 503."""
        if self._front is not None:
            self._front.draining = True

    def held_requests(self) -> list[dict]:
        """List what is held now, longest first: method, path, request id, seconds."""
        if self._front is None:
            return []
        now = self._loop.time()
        held = [
            {
                **msgspec.json.decode(one.request.head),
                "seconds": now - one.deadline + one.request.meta.hold_ms / 1000,
            }
            for one in self._front.inbox.held_requests.values()
        ]
        return sorted(held, key=lambda request: -request["seconds"])

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        settings = conf.get_settings()
        self._front = Front(
            FrontOptions(
                broker=conf.broker(),
                queues=settings.all_queues,
                secrets=conf.signing_secrets(),
                max_depth=settings.max_depth,
                max_memory=settings.max_memory,
                front_memory=settings.front_memory,
                front_spool=settings.front_spool,
                front_spool_dir=settings.front_spool_dir,
            )
        )
        self._options = consumer_options(settings, self._front.routes)
        self._endpoints = Endpoints(
            EndpointOptions(
                prefix=settings.endpoints,
                monitoring=parse_networks(settings.monitoring),
                trusted_proxies=self._options.trusted_proxies,
                max_hold=settings.max_hold,
            ),
            self._front,
            _open_reader,
        )
        self._tracing = tracing.for_front()
        self._loop = loop
        self._front.start()
        self._no_worker_log = NoWorkerLog(conf.broker())
        self._no_worker_log.start()

    async def _lifespan(self, receive: Callable, send: Callable) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.front()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def stop(self) -> None:
        """Leave the broker's list; what is still held is dropped there."""
        if self._front is not None:
            await self._no_worker_log.stop()
            await self._front.stop()
            self._front = None


def _open_reader() -> SnapshotReader:
    return SnapshotReader(conf.broker().link("metrics"), conf.get_settings().all_queues)


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
