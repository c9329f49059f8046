"""Makes of Django's response what may be sent: status, headers, and the pieces of its body."""

import re
from collections.abc import AsyncIterable, Callable, Iterable
from typing import NamedTuple

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponseBase

from ..envelopes import Header
from ..exceptions import BadResponse
from ..http_syntax import BODILESS, HOP_BY_HOP, is_token
from .forking import end_child

FILE_BLOCK = 64 * 1024  # bytes read from a file at a time
_BAD_VALUE = re.compile(r"[\0\r\n]").search


class CheckedAnswer(NamedTuple):
    """All that is known of an answer before its first byte goes out."""

    status: int
    headers: list[Header]
    length: int | None  # the view's own Content-Length
    body: bytes | None  # None for a stream, which is yet to be read


def answer_of(
    method: str, response: HttpResponseBase, told: Iterable[Header] | None = None
) -> CheckedAnswer:
    """Check an answer, and take it apart as it may be sent.

    Args:
        told: headers and cookies of the response, where they are at hand.

    Raises:
        BadResponse: it may not.
    """
    try:
        return _answer_of(method, response, told)
    except BadResponse:
        raise
    except Exception as error:  # an object of the view's own making
        raise BadResponse(f"The view's answer can't be read: {error!r}") from error


def _answer_of(
    method: str, response: HttpResponseBase, told: Iterable[Header] | None
) -> CheckedAnswer:
    status = response.status_code
    if not (isinstance(status, int) and 200 <= status <= 599):
        raise BadResponse(f"The view answered with the status {status!r}.")
    headers, length = checked_headers(_headers_of(response) if told is None else told)
    if bodyless(method, status):
        return CheckedAnswer(status, headers, length, b"")
    if response.streaming:
        return CheckedAnswer(status, headers, length, None)
    body = response.content
    if length is not None and length != len(body):
        raise BadResponse(f"Content-Length is {length}, the body has {len(body)}.")
    return CheckedAnswer(status, headers, length, body)


def _headers_of(response: HttpResponseBase) -> list[Header]:
    cookies = (("Set-Cookie", c.output(header="")) for c in response.cookies.values())
    return [*response.items(), *cookies]


def checked_headers(told: Iterable[Header]) -> tuple[list[Header], int | None]:
    """Check the headers to send, hop-by-hop ones left out (RFC 9110, 7.6.1), and the
    Content-Length.

    Raises:
        BadResponse: one cannot be sent.
    """
    kept, connection, length = [], None, None
    for name, value in told:
        if not is_token(name):
            raise BadResponse(f"The view sent a header named {name!r}.")
        if _BAD_VALUE(value):
            raise BadResponse(f"The view sent a line break in the header {name}.")
        if not (
            value.isascii() or max(value) <= "\xff"
        ):  # Django sees to all but the attributes of cookies
            raise BadResponse(f"The view sent what is not Latin-1 in the header {name}.")
        lowered = name.lower()
        if lowered == "content-length":
            length = _length(value)
        if lowered not in HOP_BY_HOP:
            kept.append((name, value.strip(" \t")))
        elif lowered == "connection":
            connection = value
    if connection is not None:
        named = {name.strip().lower() for name in connection.split(",")}
        kept = [header for header in kept if header[0].lower() not in named]
    return kept, length


def bodyless(method: str, status: int) -> bool:
    """Whether an answer has no body whatever the view returned (RFC 9110, 6.4.1)."""
    return method == "HEAD" or status in BODILESS


def _length(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit()):
        raise BadResponse(f"The view sent the Content-Length {text!r}.")
    return int(text)


def each_piece(response: HttpResponseBase, take: Callable[[bytes], None]) -> None:
    """Give `take` the body of a streaming response, piece by piece as the view makes it.

    Whatever `take` or the view raises is raised here.
    """
    if response.is_async:
        each_async_piece(response.streaming_content, take)
        return
    for data in sync_pieces(response):
        take(data)


def sync_pieces(response: HttpResponseBase) -> Iterable[bytes]:
    """Yield the pieces of a stream that is not async; of a file, in blocks larger than Django's."""
    file = getattr(response, "file_to_stream", None)
    if file is not None:
        return iter(lambda: file.read(FILE_BLOCK), b"")
    return response.streaming_content


def each_async_piece(pieces: AsyncIterable[bytes], take: Callable[[bytes], None]) -> None:
    """Give `take` what is iterated asynchronously; for the rest as `each_piece`."""
    async_to_sync(_each_async_piece)(pieces, take)


async def _each_async_piece(pieces: AsyncIterable[bytes], take: Callable[[bytes], None]) -> None:
    """Run one loop for the whole answer, in a thread of its own; with it ends the view's iterator.

    What is synchronous, `take` and the view's database, stays in the calling thread; the loop runs
    on while `take` blocks.
    """
    take_here = sync_to_async(take, thread_sensitive=True)
    async for data in pieces:
        end_child()  # forked by the stream
        await take_here(data)
