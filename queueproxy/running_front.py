"""A front at work on an event loop, with all that stands around it: made from the settings."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings as django_settings

from . import conf, tracing
from .asgi_types import ASGIApplication, Receive, Scope, Send
from .broker.observe.no_worker_log import NoWorkerLog
from .broker.observe.reader import SnapshotReader
from .consumer_settings import consumer_options
from .development.explanation import AFTER, LOOK_EVERY, is_for_a_page, serve_or_explain
from .front.consumer import RequestConsumer
from .front.endpoints import EndpointOptions, Endpoints
from .front.front import Front, FrontOptions
from .front.http import access_log
from .front.http.headers import parse_networks, peer_is_among
from .front.observer import NO_OBSERVERS, Observers
from .front.seen import signer as question_signer
from .servers import foreign_server

if TYPE_CHECKING:
    from .tracing.front import FrontTracing

logger = logging.getLogger("queueproxy.front")


class RunningFront:
    """Answers HTTP requests; make and use it on one event loop.

    Attributes:
        front: holds the clients.

    Args:
        explains: whether a browser is told what to run where nobody serves; else it just waits.
    """

    def __init__(self, *, explains: bool):
        settings = conf.get_settings()
        self.loop = asyncio.get_running_loop()
        self.front = Front(_front_options(settings))
        self._explains = explains
        self._options = consumer_options(settings, self.front.routes)
        hurried = {"absent_for": AFTER, "look_every": LOOK_EVERY} if django_settings.DEBUG else {}
        self._no_worker_log = NoWorkerLog(conf.broker(), **hurried)
        self._endpoints = Endpoints(
            EndpointOptions(
                prefix=settings.endpoints,
                monitoring=parse_networks(settings.monitoring),
                trusted_proxies=self._options.trusted_proxies,
                max_hold=settings.max_hold,
                asking=question_signer(conf.signing_secrets(), settings.namespace),
            ),
            self.front,
            _open_reader,
            lambda: self._no_worker_log.absent,
        )
        self._tracing: FrontTracing | None = tracing.for_front()
        self._told_of_forwarding = False
        self.front.start()
        self._no_worker_log.start()

    async def stop(self) -> None:
        """Leave the broker's list; what is still held is dropped there."""
        await self._no_worker_log.stop()
        await self.front.stop()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as an ASGI application does."""
        scope = self._as_connected(scope, send)
        answer: ASGIApplication = partial(
            self._answer, server_adds=foreign_server.headers_it_adds(send)
        )
        if access_log.is_on():  # under a server that somebody else started
            answer = access_log.logged(answer)
        await answer(scope, receive, foreign_server.waiting_for_room(send))

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, server_adds: frozenset[bytes]
    ) -> None:
        if self._endpoints.owns(scope):
            await self._endpoints.answer(scope, send, server_adds)
            return
        entry = scope.get(access_log.KEY)
        serve = partial(self._serve, scope, receive, send, server_adds)
        if self._tracing is None:
            await serve(NO_OBSERVERS if entry is None else Observers([entry]))
            return
        with self._tracing.begin(scope) as trace:
            if entry is None:
                await serve(Observers([trace]))
            else:
                entry.trace(trace.trace_id)
                await serve(Observers([entry, trace]))

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        server_adds: frozenset[bytes],
        observers: Observers,
    ) -> None:
        consumer = RequestConsumer(self.front, self._options, server_adds, observers)
        try:
            if self._explains and is_for_a_page(scope):
                serve = partial(consumer, scope, receive)
                await serve_or_explain(serve, scope, send, self._no_worker_log.missing)
            else:
                await consumer(scope, receive, send)
        except (Exception, asyncio.CancelledError) as error:
            consumer.ended_by(error)
            raise

    def _as_connected(self, scope: Scope, send: Send) -> Scope:
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

    def held_requests(self) -> list[dict[str, Any]]:
        """List what is held now, longest first: method, path, request id, seconds."""
        now = self.loop.time()
        held = [
            {
                **msgspec.json.decode(one.request.head),
                "seconds": now - one.deadline + one.request.meta.hold_ms / 1000,
            }
            for one in self.front.inbox.held_requests.values()
        ]
        return sorted(held, key=lambda request: -request["seconds"])


def _front_options(settings: conf.Settings) -> FrontOptions:
    return FrontOptions(
        broker=conf.broker(),
        queues=settings.all_queues,
        secrets=conf.signing_secrets(),
        max_depth=settings.max_depth,
        max_memory=settings.max_memory,
        front_memory=settings.front_memory,
        front_spool=settings.front_spool,
        front_spool_dir=settings.front_spool_dir,
        keep_answered=settings.keep_answered,
    )


def _open_reader() -> SnapshotReader:
    return SnapshotReader(conf.broker().link("metrics"), conf.get_settings().all_queues)
