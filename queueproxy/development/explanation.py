"""Tells a developer's browser what to run, where a request would wait for nobody.

For DEBUG, and for servers such as ``runserver``, which start neither broker nor workers. A page
that is asked for is held as ever; where nothing has been there to serve it for three seconds, its
place is given back and the browser gets a page that says so and asks again by itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from html import escape

from ..asgi_types import Message, Scope, Send
from ..front.http.headers import request_id
from ..front.http.own_answers import response
from ..front.http.pages import STYLE, policy_for
from ..front.http.refusals import Refusal

logger = logging.getLogger("queueproxy.front")

AFTER = 3.0  # seconds
LOOK_EVERY = 0.5  # seconds
ASK_AGAIN = 2  # seconds

WORDS = {
    "worker": (
        "No worker takes requests.",
        "Run in a second terminal:",
        "manage.py runqueueworker",
    ),
    "broker": (
        "The broker, which carries the queue, can't be reached.",
        "Start the server that the cache's LOCATION names, or stop this one and run, with a broker "
        "and a worker of its own:",
        "manage.py runqueueproxy --embedded --workers 1 --reload",
    ),
}


def is_for_a_page(scope: Scope) -> bool:
    """Whether a browser asks for a page to show, and may ask again."""
    headers = dict(scope["headers"])
    shown = headers.get(b"sec-fetch-dest", b"document") in (b"document", b"iframe")
    return scope["method"] == "GET" and shown and b"text/html" in headers.get(b"accept", b"")


async def serve_or_explain(
    serve: Callable[[Send], Awaitable[None]], scope: Scope, send: Send, missing: Callable[[], str]
) -> None:
    """Serve a request, or give it back and say what it lacks.

    Args:
        serve: called with a ``send``; holds the request until it is answered.
        scope, send: of the request.
        missing: what has been missing for a while: ``broker``, ``worker``, or nothing.
    """
    begun = False

    async def sending(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    serving = asyncio.ensure_future(serve(sending))
    try:
        done, _ = await asyncio.wait({serving}, timeout=AFTER)
        while not done and not begun and not missing():
            done, _ = await asyncio.wait({serving}, timeout=LOOK_EVERY)
        if done or begun:
            await serving
            return
    finally:
        serving.cancel()  # however this ends; it tells the broker
    with suppress(asyncio.CancelledError, Exception):
        await serving
    await _explain(scope, send, missing() or "worker")


async def _explain(scope: Scope, send: Send, what: str) -> None:
    title, before, command = WORDS[what]
    logger.warning("%s %s %s", title, before, command)
    refusal = Refusal(503, "destination_unavailable", title, ASK_AGAIN)
    status, headers, _ = response(refusal, request_id(scope["headers"]), scope)
    body = (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Waiting</title>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1><p>{escape(before)}</p><p><code>{escape(command)}</code></p>"
        "<p class=more>This page asks again by itself. With DEBUG off the request would just wait."
        "</p>"
        "</main></body></html>\n"
    ).encode()
    own = {
        b"content-type": b"text/html; charset=utf-8",
        b"content-length": str(len(body)).encode(),
        b"content-security-policy": policy_for([STYLE]).encode(),
        b"refresh": str(ASK_AGAIN).encode(),
    }
    kept = [(name, value) for name, value in headers if name not in own]
    await send({"type": "http.response.start", "status": status, "headers": [*kept, *own.items()]})
    await send({"type": "http.response.body", "body": body})
