"""Runs requests through the project's URLconf, by a Django test client made fit for production.

The stock client is for tests: it keeps cookies, switches CSRF checks off, raises views' exceptions,
disconnects the closing of stale database connections process-wide, and connects to a signal every
thread shares. This one is a client in name: its ``request`` is another, one call, environ in,
response out. Beside it and its twin in ``asynchronous/`` no module touches ``django.test``.

Its handler is a ``WSGIHandler``, called as any WSGI server does. Agents (Sentry, New Relic) put
their own function in the place of ``WSGIHandler.__call__``: there they begin a transaction, give
the request a scope of its own for users, tags and breadcrumbs, and wrap the iterable that Django
returns, so as to see its end.
"""

import contextvars
import logging
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import BinaryIO, cast

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connections
from django.http import HttpResponseBase, HttpResponseServerError, StreamingHttpResponse
from django.test.client import Client

from ..envelopes import Envelope
from .environ import Environ, build_environ
from .exchange import Exchange
from .forking import end_forked_child
from .response import Response
from .wsgi_result import Result, StartResponse, WrappedResult

logger = logging.getLogger("queueproxy.worker")

# Where the handler leaves the responses it made for the request of this context: what it returns
# may be an agent's iterable, which hides Django's response.
_responses: contextvars.ContextVar[list[HttpResponseBase]] = contextvars.ContextVar("responses")


GetResponse = Callable[[WSGIRequest], HttpResponseBase]


def keeping_handler(instead: GetResponse | None = None) -> WSGIHandler:
    """Make a handler that appends each response it makes to the list in `_responses`.

    It is no subclass: it is the sender of Django's signals, and receivers may have asked for those
    of ``sender=WSGIHandler``.

    Args:
        instead: makes the responses in the place of Django's own ``get_response``; for tests.
    """
    handler = WSGIHandler()

    def get_response(request: WSGIRequest) -> HttpResponseBase:
        if instead is not None:
            response = instead(request)
        else:  # looked up late: agents replace it
            response = WSGIHandler.get_response(handler, request)
        _responses.get().append(response)
        return response

    handler.get_response = get_response  # type: ignore[method-assign,assignment]  # see above
    return handler


class QueueClient(Client):
    """The test client without its memory: no cookies, no session, no signals; thread-safe."""

    handler: WSGIHandler  # type: ignore[assignment]  # the real one

    def __init__(self, handler: WSGIHandler | None = None):
        super().__init__(enforce_csrf_checks=True, raise_request_exception=False)
        self.handler = handler or keeping_handler()

    def request(  # type: ignore[override]  # another altogether: see the head of this file
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Return what the handler returns: Django's response, or what agents put around it."""
        return self.handler(environ, start_response)


class Executor:
    """One per process; called from many threads. Loads the middleware at once.

    Args:
        handler: one of `keeping_handler`; made where there is none.
    """

    def __init__(self, handler: WSGIHandler | None = None):
        self._client = QueueClient(handler)

    @property
    def handler(self) -> WSGIHandler:
        """The handler through which every request goes."""
        return self._client.handler

    def respond(self, envelope: Envelope, body: BinaryIO | None = None) -> Exchange:
        """Run one request through Django, in a context of its own; its exchange is to be closed.

        The context is a copy of the thread's. Requests find in it what stood there when the
        thread began, as in a thread of gunicorn's: nothing, or what an agent handed on to the
        thread (Sentry: the tags that the project set at its start), which an empty context would
        lack. What requests set goes with their copy. A copy shares mutable objects, though:
        agents replace theirs in ``WSGIHandler.__call__``, for each request.

        Args:
            body: what is read where the envelope does not have the body itself.

        Raises:
            DecodeError: the head was not written by one of our fronts; nothing was run.
        """
        head = envelope.head
        environ = build_environ(head, body or BytesIO(envelope.body))
        context = contextvars.copy_context()
        return Exchange(head.method, context.run(self._respond, environ), context)

    def _respond(self, environ: Environ) -> Result:
        responses: list[HttpResponseBase] = []
        _responses.set(responses)
        start_response = StartResponse()
        try:
            iterable = self._client.request(environ, start_response)
        except BaseException as error:
            end_forked_child(error)
            return self._failed(environ, responses)
        # An agent may also answer by itself, as application firewalls do.
        response = cast(Response, responses[-1]) if responses else StreamingHttpResponse()
        end_forked_child(int(response.status_code >= 500))
        if iterable is response:
            return Result(response, start_response)
        return WrappedResult(response, iterable, start_response)

    def _failed(self, environ: Environ, responses: list[HttpResponseBase]) -> Result:
        # Django answers the exceptions of views; this one came from around it (a signal receiver,
        # an agent), or is none it knows: sys.exit(), a cancelled task, KeyboardInterrupt. No
        # signal raises that here, signals go to the main thread; a view must not end a worker.
        # Where there is a response all the same, it stands, if it can be sent.
        logger.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        response = cast(Response, responses[-1]) if responses else None
        if response is None:
            response = HttpResponseServerError(b"Server Error", content_type="text/plain")
        return Result(response, StartResponse())

    def close_thread(self) -> None:
        """To be called at the end of each thread that ran requests."""
        connections.close_all()
