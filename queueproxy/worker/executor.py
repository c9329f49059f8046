"""Runs requests through the project's URLconf, by a Django test client made fit for production.

The stock client is for tests: it keeps cookies, switches CSRF checks off, raises views' exceptions,
disconnects the closing of stale database connections process-wide, and connects to a signal every
thread shares. This one keeps its way into Django (one call, environ in, response out) and leaves
all that behind. No other module touches ``django.test``.
"""

import contextvars
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from django.core import signals
from django.core.handlers.wsgi import WSGIRequest, get_script_name
from django.db import connections
from django.http import HttpResponseBase, HttpResponseServerError
from django.test.client import Client, ClientHandler
from django.urls import set_script_prefix

from ..envelopes import Header, RequestHead
from ..exceptions import BadResponse, ClientGone
from .environ import build_environ
from .forking import end_child
from .response import answer_of, each_piece

logger = logging.getLogger("queueproxy.worker")


class Emit(Protocol):
    """Where an answer goes. `chunk` may block, and raises ClientGone when nobody reads on.

    After `full`, `end` or `abort`, or ClientGone, comes `finish`: the answer goes off, and the
    response is closed with the function given.
    """

    def full(self, status: int, headers: list[Header], body: bytes) -> None: ...
    def start(self, status: int, headers: list[Header]) -> None: ...
    def chunk(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def abort(self) -> None: ...
    def finish(self, close: Callable[[], None]) -> None: ...


class ExecutorHandler(ClientHandler):
    """From environ to response, as django.core.handlers.wsgi.WSGIHandler does it.

    Unlike its parent it does not close the response: the answer is sent first.
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

    def run(self, head: RequestHead, body: bytes, emit: Emit) -> None:
        """Execute one request, emit its answer and have the response closed, once.

        Raises:
            BadResponse: what the view returned cannot be sent; nothing was emitted.
            DecodeError: the head is none a front of ours wrote; nothing was run.
        """
        contextvars.copy_context().run(self._run, head, body, emit)

    def _run(self, head: RequestHead, body: bytes, emit: Emit) -> None:
        response = self._respond(build_environ(head, body))
        try:
            self._send(head.method, response, emit)
        except ClientGone:
            pass
        except BaseException:
            self._close(response)
            raise
        emit.finish(partial(self._close, response))

    def _respond(self, environ: dict) -> HttpResponseBase:
        try:
            response = self._client.request(**environ)
        except BaseException as error:
            end_child(error)
            # Django answers the exceptions of views; this one came from around it (a signal
            # receiver), or is none it knows: sys.exit(), a cancelled task, KeyboardInterrupt. No
            # signal raises that here, signals go to the main thread; a view must not end a worker.
            logger.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        else:
            end_child(int(response.status_code >= 500))
            return response
        return HttpResponseServerError(b"Server Error", content_type="text/plain")

    def _send(self, method: str, response: HttpResponseBase, emit: Emit) -> None:
        answer = answer_of(method, response)
        if answer.body is not None:
            emit.full(answer.status, answer.headers, answer.body)
            return
        emit.start(answer.status, answer.headers)
        try:
            self._stream(response, answer.length, emit)
        except ClientGone:
            raise
        except BaseException:
            logger.exception("A streamed answer broke off")
            emit.abort()
        else:
            emit.end()

    def _stream(self, response: HttpResponseBase, length: int | None, emit: Emit) -> None:
        sent = 0

        def take(data: bytes) -> None:
            nonlocal sent
            sent += len(data)
            if length is not None and sent > length:
                raise BadResponse(f"Content-Length is {length}, the body has more.")
            if data:
                emit.chunk(data)

        each_piece(response, take)
        if length is not None and sent < length:
            raise BadResponse(f"Content-Length is {length}, the body has {sent}.")

    def _close(self, response: HttpResponseBase) -> None:
        try:
            response.close()  # fires request_finished
        except BaseException:
            logger.exception("Closing a response failed")
        end_child()

    def close_thread(self) -> None:
        """To be called at the end of each thread that ran requests."""
        connections.close_all()
