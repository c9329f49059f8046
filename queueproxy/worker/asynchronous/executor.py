"""Runs requests through the project's URLconf on an event loop, as an ASGI server does.

As in `worker.executor`, a Django test client made fit for production: its way into Django is kept,
its memory and its signals are left behind. Its handler is an ``ASGIHandler``, called as any ASGI
server does, so that agents that put their own function in the place of ``ASGIHandler.__call__``
see each request. Django itself sees to the rest: it reads the body, cancels a view whose client
leaves, iterates a stream, and closes the response.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from enum import Enum, auto
from functools import wraps
from typing import Any, cast

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponseServerError
from django.test.client import AsyncClient

from ...asgi_types import Receive, Scope, Send
from ..forking import end_forked_child
from ..response import Response, is_stream, sync_pieces

logger = logging.getLogger("queueproxy.worker")

View = Callable[..., Any]


class Kind(Enum):
    """What Django's response is."""

    UNKNOWN = "there is none, or an agent answers by itself"
    WHOLE = "its body is there"
    FILE = "its body is read from a file, by no view"
    STREAM = "its body is made as it is iterated"


class Run:
    """What became of one request inside Django.

    Attributes:
        response: that Django made; None where it has not, or an agent answers by itself.
        kind: of that.
    """

    def __init__(self) -> None:
        self.response: Response | None = None
        self.kind = Kind.UNKNOWN
        self._request: HttpRequest | None = None
        self._in_thread = False

    def begins(self, request: HttpRequest) -> None:
        """Note that Django has begun with it."""
        self._request = request

    def ends(self, response: Response) -> None:
        """Note the response, and have the pieces of a stream that is not async made in a thread."""
        self.kind = _kind_of(response)
        if is_stream(response) and not response.is_async:
            self._in_thread = True
            response.streaming_content = _made_in_thread(iter(sync_pieces(response)))
        self.response = response

    @property
    def can_be_cancelled(self) -> bool:
        """Whether what runs now is the project's own asynchronous code."""
        if self.response is not None:
            return bool(self.response.streaming) and not self._in_thread
        match = None if self._request is None else self._request.resolver_match
        return match is not None and iscoroutinefunction(match.func)


def _kind_of(response: Response) -> Kind:
    if not response.streaming:
        return Kind.WHOLE
    is_file = getattr(response, "file_to_stream", None) is not None
    return Kind.FILE if is_file else Kind.STREAM


# Where the handler leaves what it made for the request of this context.
_run: contextvars.ContextVar[Run] = contextvars.ContextVar("run")


class _End(Enum):
    """In the place of a piece: there is none any more."""

    END = auto()


def keeping_handler() -> ASGIHandler:
    """Make a handler that tells the `Run` of its context what becomes of each request.

    It is no subclass: it is the sender of Django's signals, and receivers may have asked for those
    of ``sender=ASGIHandler``.
    """
    handler = ASGIHandler()

    async def get_response_async(request: HttpRequest) -> Response:
        run = _run.get()
        run.begins(request)
        try:  # looked up late: agents replace it
            response = cast(Response, await ASGIHandler.get_response_async(handler, request))
        except BaseException as error:
            end_forked_child(error)
            if _is_cancelled(error):
                raise
            response = _failed(request, error)
        end_forked_child(int(response.status_code >= 500))
        run.ends(response)
        return response

    def make_view_atomic(view: View) -> View:
        return _raising_no_generator_exit(ASGIHandler.make_view_atomic(handler, view))

    handler.get_response_async = get_response_async  # type: ignore[method-assign]  # see above
    handler.make_view_atomic = make_view_atomic  # type: ignore[method-assign]  # see above
    return handler


def _raising_no_generator_exit(view: View) -> View:
    """Turn a view's GeneratorExit into an error.

    A future that is told of it throws it into the task that waits, and Python then closes the
    task's coroutines instead of letting them handle it; it has crashed Python 3.11.
    """

    @wraps(view)
    def in_thread(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except GeneratorExit as error:
            raise RuntimeError("The view raised GeneratorExit.") from error

    @wraps(view)
    async def in_loop(*args: Any, **kwargs: Any) -> Any:
        try:
            return await view(*args, **kwargs)
        except GeneratorExit as error:
            raise RuntimeError("The view raised GeneratorExit.") from error

    return in_loop if iscoroutinefunction(view) else in_thread


def _is_cancelled(error: BaseException) -> bool:
    """Whether this task was cancelled from outside: a view may raise CancelledError by itself."""
    task = asyncio.current_task()
    if task is None or not isinstance(error, asyncio.CancelledError):
        return False
    return task.cancelling() > 0


def _failed(request: HttpRequest, error: BaseException) -> Response:
    """Answer for what Django has no answer to, such as sys.exit(): a view must not end a worker."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return HttpResponseServerError(b"Server Error", content_type="text/plain")


async def _made_in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces of a stream that is not async, each made in the request's own thread.

    Django would make a list of them all before it sends the first.
    """
    take = sync_to_async(_next_of, thread_sensitive=True)
    while (piece := await take(pieces)) is not _End.END:
        yield piece


def _next_of(pieces: Iterator[bytes]) -> bytes | _End:
    try:
        return next(pieces, _End.END)
    except GeneratorExit as error:
        raise RuntimeError("The stream raised GeneratorExit.") from error


class QueueAsyncClient(AsyncClient):
    """The test client without its memory: no cookies, no session, no signals."""

    handler: ASGIHandler  # type: ignore[assignment]  # the real one

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=True, raise_request_exception=False)
        self.handler = keeping_handler()

    async def request(  # type: ignore[override]  # another altogether: see worker.executor
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the handler, or what agents put in its place, answer by `send`."""
        await self.handler(scope, receive, send)  # type: ignore[arg-type]  # it sends dicts


class AsyncExecutor:
    """One per process. Loads the middleware at once."""

    def __init__(self) -> None:
        self._client = QueueAsyncClient()

    @property
    def handler(self) -> ASGIHandler:
        """The handler through which every request goes."""
        return self._client.handler

    async def respond(self, run: Run, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request through Django; returns when its response is closed.

        To be called in a task of its own: what requests set in its context goes with it.

        Args:
            run: is told what becomes of it.

        Raises:
            Exception: the handler's, or an agent's; what was not sent by now never will be.
        """
        _run.set(run)
        # Django's handler makes one too, and uses this where it is there: a response that it does
        # not close, for its stream broke off, is closed in the same thread.
        async with ThreadSensitiveContext():
            try:
                await self._client.request(scope, receive, send)
            except BaseException as error:
                end_forked_child(error)
                raise
            finally:
                end_forked_child()
                if run.response is not None:
                    await _close(run.response)

    def close_thread(self) -> None:
        """To be called at the end of the thread that ran the loop."""
        connections.close_all()


async def _close(response: Response) -> None:
    """Close what Django leaves open, or to the garbage collector: a stream that was left."""
    close = getattr(getattr(response, "_iterator", None), "aclose", None)
    try:
        if close is not None:
            await close()
        if not getattr(response, "closed", True):  # an object of the view's own making has none
            await sync_to_async(response.close)()
    except BaseException:
        logger.exception("Closing a response failed")
