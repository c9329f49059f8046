"""Runs requests through the project's URLconf, by a Django test client made fit for production.

The stock client is for tests: it keeps cookies, switches CSRF checks off, raises views' exceptions,
disconnects the closing of stale database connections process-wide, and connects to a signal every
thread shares. This one keeps its way into Django (one call, environ in, response out) and leaves
all that behind. No other module touches ``django.test``.
"""

import contextvars
import logging

from django.core import signals
from django.core.handlers.wsgi import WSGIRequest, get_script_name
from django.db import connections
from django.http import HttpResponseBase, HttpResponseServerError
from django.test.client import Client, ClientHandler
from django.urls import set_script_prefix

from ..envelopes import Envelope
from .environ import build_environ
from .exchange import Exchange

logger = logging.getLogger("queueproxy.worker")


class ExecutorHandler(ClientHandler):
    """From environ to response, as django.core.handlers.wsgi.WSGIHandler does it.

    Unlike its parent it does not close the response: the exchange does, once the answer is sent.
    """

    def __init__(self):
        super().__init__(enforce_csrf_checks=True)
        self.load_middleware()

    def __call__(self, environ: dict) -> HttpResponseBase:
        set_script_prefix(get_script_name(environ))
        signals.request_started.send(sender=self.__class__, environ=environ)
        response = self.get_response(WSGIRequest(environ))
        response._handler_class = self.__class__
        return response


class QueueClient(Client):
    """The test client without its memory: no cookies, no session, no signals; thread-safe."""

    def __init__(self):
        super().__init__(enforce_csrf_checks=True, raise_request_exception=False)
        self.handler = ExecutorHandler()

    def request(self, **environ) -> HttpResponseBase:
        return self.handler(environ)


class Executor:
    """One per process; called from many threads. Loads the middleware at once."""

    def __init__(self):
        self._client = QueueClient()

    def respond(self, envelope: Envelope) -> Exchange:
        """Run one request through Django, in a context of its own; its exchange is to be closed.

        Raises:
            DecodeError: the head is none a front of ours wrote; nothing was run.
        """
        head = envelope.head
        environ = build_environ(head, envelope.body)
        context = contextvars.copy_context()
        return Exchange(head.method, context.run(self._respond, environ), context)

    def _respond(self, environ: dict) -> HttpResponseBase:
        try:
            return self._client.request(**environ)
        except BaseException:
            # Django answers the exceptions of views; this one came from around it (a signal
            # receiver), or is none it knows: sys.exit(), a cancelled task, KeyboardInterrupt. No
            # signal raises that here, signals go to the main thread; a view must not end a worker.
            logger.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        return HttpResponseServerError(b"Server Error", content_type="text/plain")

    def close_thread(self) -> None:
        """To be called at the end of each thread that ran requests."""
        connections.close_all()
