"""Ends an answer that its application did not finish: never framed as complete (P9)."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from ...asgi_types import Scope, Send
from ...front.http import access_log, own_answers, refusals
from ...front.http.headers import request_id

logger = logging.getLogger("queueproxy.front")


class Unfinished(Exception):
    """The application returned and left its answer unfinished."""

    def __str__(self) -> str:
        return "the application left it unfinished"


async def end_badly(
    error: BaseException,
    scope: Scope,
    send: Send,
    *,
    started: bool,
    cut: Callable[[bool], None],
) -> None:
    """Answer 500, 502 or 503 while nothing has gone out yet, else break the connection.

    Args:
        error: what ended the application; a cancellation means that the front stops.
        scope: of the request.
        send: the server's own.
        started: whether a part of an answer has gone out.
        cut: breaks the connection, so that no client takes the answer for whole; given whether that
            is to be done at once, without what still waits for the client.
    """
    stopped = isinstance(error, asyncio.CancelledError)
    if started:
        logger.info("An answer was cut short: %s", "the front stops" if stopped else error)
        cut(getattr(error, "at_once", False))
        return
    if not stopped:
        logger.error("The front failed on a request.", exc_info=error)
    refusal = access_log.refusal_for(error)
    id = request_id(scope["headers"])
    refusals.log(refusal, id, scope)
    repeatable = getattr(error, "repeatable", False)
    status, headers, body = own_answers.response(refusal, id, scope, repeatable=repeatable)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def raw_refusal(refusal: refusals.Refusal, path: str = "") -> bytes:
    """Spell a refusal as it goes over the wire, for what is not even a request, and log it.

    It is a few lines of text, whatever the client might accept: that was not read, or not to its
    end.

    Args:
        path: of the handshake of a websocket, as the client sent it.
    """
    id = request_id(())
    refusals.log(refusal, id)
    access_log.note_refusal(refusal, id, path)
    status, headers, body = own_answers.response(refusal, id)
    reason = HTTPStatus(status).phrase.encode()
    lines = [b"HTTP/1.1 %d %s" % (status, reason), *(b"%s: %s" % header for header in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
