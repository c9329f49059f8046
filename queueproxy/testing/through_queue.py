"""Sends every request of Django's test clients through queueproxy, within the process."""

import unittest
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import django.core.handlers.asgi
from django.http import HttpResponseBase
from django.test.client import AsyncClientHandler, ClientHandler

from ..asgi_types import Scope
from ..envelopes import RequestHead
from ..worker.asynchronous import executor as async_executor
from . import async_way, sync_way
from .wire import Seen


class Passed:
    """What has gone through the queue.

    Attributes:
        requests: method and path of each, in order.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []

    def note(self, head: RequestHead) -> None:
        """Add a request."""
        self.requests.append((head.method, head.path))


@contextmanager
def through_queue(seen: Seen | None = None) -> Iterator[Passed]:
    """While this lasts, each request of a test client takes the way it takes in production.

    It becomes a request envelope, is signed, encoded and decoded, run by the executor of a worker,
    and answered by reply frames, which are signed, encoded and decoded too. So a test fails where
    queueproxy would serve the view otherwise than Django does: an answer that can't be sent, a
    header that doesn't come through. There is no front and no broker; nothing waits, and no policy
    counts. All clients take part: ``Client``, ``AsyncClient``, and what inherits from them, such as
    the ``APIClient`` of Django REST framework. Also a decorator.

    Args:
        seen: called with the head of each request, in the place of what `Passed` keeps.
    """
    passed = Passed()
    note = seen or passed.note

    def respond(self: ClientHandler, environ: dict[str, Any]) -> HttpResponseBase:
        return sync_way.respond(self, environ, note)

    async def respond_async(self: AsyncClientHandler, scope: Scope) -> HttpResponseBase:
        return await async_way.respond(self, scope, note)

    with (
        mock.patch.object(ClientHandler, "__call__", respond),
        mock.patch.object(AsyncClientHandler, "__call__", respond_async),
        # Synchronous parts share the test's own thread, and so its connections.
        mock.patch.object(django.core.handlers.asgi, "ThreadSensitiveContext", AsyncExitStack),
        mock.patch.object(async_executor, "ThreadSensitiveContext", AsyncExitStack),
    ):
        yield passed


if TYPE_CHECKING:
    _TestCase = unittest.TestCase
else:
    _TestCase = object


class ThroughQueueMixin(_TestCase):
    """For a ``SimpleTestCase`` or its like: its clients send their requests through the queue.

    Attributes:
        queue: what has gone through it since the class began.
    """

    queue: Passed

    @classmethod
    def setUpClass(cls) -> None:
        """Begin before the class's own data are made."""
        cls.queue = cls.enterClassContext(through_queue())
        super().setUpClass()
