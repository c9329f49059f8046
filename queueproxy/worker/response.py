"""From Django's response to what may be sent: status, headers, and the pieces of its body."""

import asyncio
import re
from collections.abc import Iterator

from django.http import HttpResponseBase

from ..envelopes import Header
from ..exceptions import BadResponse

FILE_BLOCK = 64 * 1024  # bytes read from a file at a time
NO_BODY = frozenset((204, 304))
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110, 5.6.2
_BAD_VALUE = re.compile(r"[\0\r\n]").search


def checked_headers(response: HttpResponseBase) -> list[Header]:
    """The headers to send, Set-Cookie one by one, hop-by-hop ones left out (RFC 9110, 7.6.1).

    Raises:
        BadResponse: the status or a header cannot be sent.
    """
    if not 200 <= response.status_code <= 599:
        raise BadResponse(f"The view answered with the status {response.status_code}.")
    headers = [(name, value) for name, value in response.items()]
    headers += [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
    dropped = HOP_BY_HOP
    if "Connection" in response.headers:
        dropped = dropped | {n.strip().lower() for n in response.headers["Connection"].split(",")}
    kept = []
    for name, value in headers:
        if not _TOKEN(name):
            raise BadResponse(f"The view sent a header named {name!r}.")
        if _BAD_VALUE(value):
            raise BadResponse(f"The view sent a line break in the header {name}.")
        if name.lower() not in dropped:
            kept.append((name, value.strip(" \t")))
    return kept


def bodyless(method: str, status: int) -> bool:
    """Whether an answer has no body whatever the view returned (RFC 9110, 6.4.1)."""
    return method == "HEAD" or status in NO_BODY


def declared_length(response: HttpResponseBase) -> int | None:
    """The Content-Length of the view, where it gave one.

    Raises:
        BadResponse: it is not a number.
    """
    if "Content-Length" not in response.headers:
        return None
    text = response.headers["Content-Length"].strip()
    if not (text.isascii() and text.isdigit()):
        raise BadResponse(f"The view sent the Content-Length {text!r}.")
    return int(text)


def pieces(response: HttpResponseBase) -> Iterator[bytes]:
    """The body of a streaming response, piece by piece as the view gives it."""
    if response.is_async:
        return _async_pieces(response)
    file = getattr(response, "file_to_stream", None)
    if file is not None:
        return iter(lambda: file.read(FILE_BLOCK), b"")
    return iter(response.streaming_content)


def _async_pieces(response: HttpResponseBase) -> Iterator[bytes]:
    """Drive an asynchronous iterator one step at a time, on a loop of its own."""
    iterator = aiter(response.streaming_content)
    with asyncio.Runner() as runner:
        try:
            while True:
                try:
                    yield runner.run(_step(iterator))
                except StopAsyncIteration:
                    return
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                runner.run(_run(close()))


async def _step(iterator) -> bytes:
    return await anext(iterator)


async def _run(awaitable) -> None:
    await awaitable
