"""From Django's response to what may be sent: status, headers, and the pieces of its body."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponseBase

from ..envelopes import Header
from ..exceptions import BadResponse
from ..http_syntax import BODILESS, HOP_BY_HOP, is_token

FILE_BLOCK = 64 * 1024  # bytes read from a file at a time
_BAD_VALUE = re.compile(r"[\0\r\n]").search


class Answer(NamedTuple):
    """What is known of an answer before its first byte goes out."""

    status: int
    headers: list[Header]
    length: int | None  # the view's own Content-Length
    body: bytes | None  # None for a stream, which is yet to be read


def answer_of(method: str, response: HttpResponseBase) -> Answer:
    """The answer as it may be sent.

    Raises:
        BadResponse: it may not.
    """
    try:
        return _answer_of(method, response)
    except BadResponse:
        raise
    except Exception as error:  # an object of the view's own making
        raise BadResponse(f"The view's answer can't be read: {error!r}") from error


def _answer_of(method: str, response: HttpResponseBase) -> Answer:
    status = response.status_code
    if not (isinstance(status, int) and 200 <= status <= 599):
        raise BadResponse(f"The view answered with the status {status!r}.")
    headers, length = checked_headers(response), declared_length(response)
    if bodyless(method, status):
        return Answer(status, headers, length, b"")
    if response.streaming:
        return Answer(status, headers, length, None)
    body = response.content
    if length is not None and length != len(body):
        raise BadResponse(f"Content-Length is {length}, the body has {len(body)}.")
    return Answer(status, headers, length, body)


def checked_headers(response: HttpResponseBase) -> list[Header]:
    """The headers to send, Set-Cookie one by one, hop-by-hop ones left out (RFC 9110, 7.6.1).

    Raises:
        BadResponse: one cannot be sent.
    """
    headers = [(name, value) for name, value in response.items()]
    headers += [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
    dropped = HOP_BY_HOP
    if "Connection" in response.headers:
        dropped = dropped | {n.strip().lower() for n in response.headers["Connection"].split(",")}
    kept = []
    for name, value in headers:
        if not is_token(name):
            raise BadResponse(f"The view sent a header named {name!r}.")
        if _BAD_VALUE(value):
            raise BadResponse(f"The view sent a line break in the header {name}.")
        if not _is_latin_1(value):  # Django sees to all but the attributes of cookies
            raise BadResponse(f"The view sent what is not Latin-1 in the header {name}.")
        if name.lower() not in dropped:
            kept.append((name, value.strip(" \t")))
    return kept


def _is_latin_1(text: str) -> bool:
    return text.isascii() or max(text) <= "\xff"


def bodyless(method: str, status: int) -> bool:
    """Whether an answer has no body whatever the view returned (RFC 9110, 6.4.1)."""
    return method == "HEAD" or status in BODILESS


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


def each_piece(response: HttpResponseBase, take: Callable[[bytes], None]) -> None:
    """Give `take` the body of a streaming response, piece by piece as the view makes it.

    Whatever `take` or the view raises is raised here.
    """
    if response.is_async:
        async_to_sync(_each_async_piece)(response, take)
        return
    for data in _sync_pieces(response):
        take(data)


def _sync_pieces(response: HttpResponseBase) -> Iterable[bytes]:
    file = getattr(response, "file_to_stream", None)
    if file is not None:
        return iter(lambda: file.read(FILE_BLOCK), b"")
    return response.streaming_content


async def _each_async_piece(response: HttpResponseBase, take: Callable[[bytes], None]) -> None:
    """One loop for the whole answer, in a thread of its own; with it ends the view's iterator.

    What is synchronous, `take` and the view's database, stays in the calling thread; the loop runs
    on while `take` blocks.
    """
    take_here = sync_to_async(take, thread_sensitive=True)
    async for data in response.streaming_content:
        await take_here(data)
