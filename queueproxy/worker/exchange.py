"""Follows one request from the view's return to the closed response."""

import contextvars
import logging
import weakref
from collections.abc import Callable
from typing import Any

from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponseBase

from ..exceptions import ClientGone, StreamEnded
from .declared_length import DeclaredLength
from .forking import end_forked_child
from .response import CheckedAnswer, Watch, unwatched
from .wsgi_result import Result

logger = logging.getLogger("queueproxy.worker")


class Exchange:
    """Holds what Django answered. Close it, whatever becomes of the answer.

    Args:
        method: of the request.
        result: not closed, its stream not read.
        context: the one that the view ran in. Whatever else is done with the response is done in
            it too, so that streams and receivers see the context variables of their own request.
    """

    def __init__(self, method: str, result: Result, context: contextvars.Context):
        self._method = method
        self._result = result
        self._context = context
        self._length: int | None = None
        self._closed = False

    def answer(self) -> CheckedAnswer:
        """Status, headers, declared length and body; the body is None for a stream.

        Raises:
            BadResponse: what the view returned cannot be sent.
        """
        answer = self._context.run(self._result.answer, self._method)
        self._length = answer.length
        return answer

    def stream(self, take: Callable[[bytes], None], watch: Watch = unwatched) -> bool:
        """Give `take` the body piece by piece; False where it broke off (which is logged).

        To be called after `answer`. At most as many bytes are given as the view declared.

        Args:
            watch: ends a stream that is iterated asynchronously between two pieces.

        Raises:
            ClientGone: `take` raised it, or `watch` told it.
        """
        return self._context.run(self._stream, take, watch)

    def _stream(self, take: Callable[[bytes], None], watch: Watch) -> bool:
        try:
            self._each_piece(take, watch)
        except ClientGone:
            raise
        except StreamEnded as error:
            logger.info("%s", error)
            return False
        except BaseException as error:
            end_forked_child(error)
            logger.exception("A streamed answer broke off")
            return False
        end_forked_child()
        return True

    def _each_piece(self, take: Callable[[bytes], None], watch: Watch) -> None:
        length = DeclaredLength(self._length)

        def count_and_take(data: bytes) -> None:
            length.add(data)
            if data:
                take(data)

        self._result.each_piece(count_and_take, watch)
        length.end()

    @property
    def closes_quickly(self) -> bool:
        """Whether to close the response runs nothing but Django's own quick receivers.

        Not so for streams, for files that were uploaded or are sent, for responses with a `close`
        of their own, where an agent wants to see the end of the request, and while anybody but
        Django is connected to ``request_finished``.
        """
        try:
            return only_django_listens() and self._is_plain()
        except Exception:  # an object of the view's own making
            return False

    def _is_plain(self) -> bool:
        response: Any = self._result.response  # what closes it, Django keeps to itself
        return (
            not self._result.wrapped
            and not response.streaming
            and getattr(response.close, "__func__", None) is HttpResponseBase.close
            and all(map(_closes_nothing, response._resource_closers))
        )

    def close(self) -> None:
        """Close the response, which sends ``request_finished``. Logs what that raises.

        A second call does nothing.
        """
        if not self._closed:
            self._closed = True
            self._context.run(self._close)

    def _close(self) -> None:
        try:
            self._result.close()
        except BaseException:
            logger.exception("Closing a response failed")
        end_forked_child()


def _closes_nothing(closer: Callable[[], None]) -> bool:
    """Whether this is the `close` of a request that came without files."""
    if getattr(closer, "__func__", None) is not HttpRequest.close:
        return False
    request = getattr(closer, "__self__", None)
    return not getattr(request, "_files", None)


_looked_up: tuple[list[Any], bool] = ([], True)  # receivers of request_finished, and what they are


def only_django_listens() -> bool:
    """Whether every receiver of ``request_finished`` is Django's own; cheap to ask."""
    global _looked_up
    known, verdict = _looked_up
    if request_finished.receivers != known:
        known = list(request_finished.receivers)
        verdict = all(map(_is_djangos, known))
        _looked_up = known, verdict
    return verdict


def _is_djangos(entry: tuple[Any, ...]) -> bool:
    receiver = entry[1]  # itself or a weak reference; entries differ with Django's version
    if isinstance(receiver, weakref.ReferenceType):
        receiver = receiver()
    return (getattr(receiver, "__module__", None) or "").startswith("django.")
