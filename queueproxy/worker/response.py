"""Makes of Django's response what may be sent: status, headers, and the pieces of its body."""

import asyncio
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, NamedTuple, cast

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse, StreamingHttpResponse

from ..envelopes import Header
from ..exceptions import BadResponse
from ..http_syntax import BODILESS, HOP_BY_HOP, is_token
from .forking import end_forked_child

if TYPE_CHECKING:
    from typing_extensions import TypeIs

# What a view returned: one of Django's, or an object of its own making that passes for one.
Response = HttpResponse | StreamingHttpResponse

FILE_BLOCK = 1024 * 1024  # bytes read at a time from a file whose length is known
PIPE_BLOCK = 64 * 1024  # from one whose end is not: its bytes may come slowly
# Answers that go on until somebody leaves, and whose clients ask again by themselves (HTML
# Standard, 9.2 Server-sent events; cameras).
ENDLESS = ("text/event-stream", "multipart/x-mixed-replace")
_BAD_VALUE = re.compile(r"[\0\r\n]").search


class CheckedAnswer(NamedTuple):
    """All that is known of an answer before its first byte goes out."""

    status: int
    headers: list[Header]
    length: int | None  # the view's own Content-Length
    body: bytes | None  # None for a stream, which is yet to be read
    is_file: bool = False  # a stream that is read from a file of known length, by no view


# Called with what ends a stream from outside, given why; while the context lasts, that may happen.
Watch = Callable[[Callable[[Exception], object]], AbstractContextManager[None]]


def is_stream(response: Response) -> "TypeIs[StreamingHttpResponse]":
    """Whether its body is made as it is iterated."""
    return response.streaming


def unwatched(end: Callable[[Exception], object]) -> AbstractContextManager[None]:
    """Do nothing: a `Watch` where a stream is ended by nobody else."""
    return nullcontext()


def ends_with_drain(answer: CheckedAnswer) -> bool:
    """Whether a worker that drains may end this stream before its view does: see ENDLESS."""
    kinds = [value for name, value in answer.headers if name.lower() == "content-type"]
    return any(kind.partition(";")[0].strip().lower() in ENDLESS for kind in kinds)


def answer_of(
    method: str, response: Response, told: Iterable[Header] | None = None
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


def _answer_of(method: str, response: Response, told: Iterable[Header] | None) -> CheckedAnswer:
    status = response.status_code
    if not (isinstance(status, int) and 200 <= status <= 599):
        raise BadResponse(f"The view answered with the status {status!r}.")
    headers, length = checked_headers(_headers_of(response) if told is None else told)
    if bodyless(method, status):
        return CheckedAnswer(status, headers, length, b"")
    if is_stream(response):
        return CheckedAnswer(status, headers, length, None, _is_file(response, length))
    body = response.content
    if length is not None and length != len(body):
        raise BadResponse(f"Content-Length is {length}, the body has {len(body)}.")
    return CheckedAnswer(status, headers, length, body)


def _is_file(response: Response, length: int | None) -> bool:
    return length is not None and getattr(response, "file_to_stream", None) is not None


def _headers_of(response: Response) -> list[Header]:
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


def each_piece(
    response: StreamingHttpResponse, take: Callable[[bytes], None], watch: Watch = unwatched
) -> None:
    """Give `take` the body of a streaming response, piece by piece as the view makes it.

    Whatever `take` or the view raises is raised here. What is iterated asynchronously is cancelled
    when `watch` says so; what is not has to come to its next piece.
    """
    if response.is_async:
        each_async_piece(async_pieces(response), take, watch)
        return
    for data in sync_pieces(response):
        end_forked_child()  # forked by the stream
        take(data)


def async_pieces(response: StreamingHttpResponse) -> AsyncIterable[bytes]:
    """Return the pieces of a stream that is async."""
    return cast("AsyncIterable[bytes]", response.streaming_content)


def sync_pieces(response: StreamingHttpResponse) -> Iterable[bytes]:
    """Yield the pieces of a stream that is not async; of a file, in blocks larger than Django's."""
    file = getattr(response, "file_to_stream", None)
    if file is not None:
        block = FILE_BLOCK if response.has_header("Content-Length") else PIPE_BLOCK
        return iter(lambda: file.read(block), b"")
    return cast("Iterable[bytes]", response.streaming_content)


def each_async_piece(
    pieces: AsyncIterable[bytes], take: Callable[[bytes], None], watch: Watch = unwatched
) -> None:
    """Give `take` what is iterated asynchronously; for the rest as `each_piece`."""
    async_to_sync(_each_async_piece)(pieces, take, watch)


async def _each_async_piece(
    pieces: AsyncIterable[bytes], take: Callable[[bytes], None], watch: Watch
) -> None:
    """Run one loop for the whole answer, in a thread of its own; with it ends the view's iterator.

    What is synchronous, `take` and the view's database, stays in the calling thread; the loop runs
    on while `take` blocks.
    """
    take_here = sync_to_async(take, thread_sensitive=True)
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    reasons: list[Exception] = []

    def end(reason: Exception) -> None:
        reasons.append(reason)
        with suppress(RuntimeError):  # it has ended by itself
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

    try:
        with watch(end):
            await _take_each(pieces, take_here)
    except asyncio.CancelledError:
        if reasons:
            raise reasons[0] from None
        raise


async def _take_each(
    pieces: AsyncIterable[bytes], take: Callable[[bytes], Awaitable[None]]
) -> None:
    """Take one after the other; a child that the stream has forked ends here.

    Any further, it would meet the locks of a watch: what another thread held of them at the fork
    is held for good in the child.
    """
    try:
        async for data in pieces:
            end_forked_child()
            await take(data)
    except BaseException as error:
        end_forked_child(error)
        raise
    end_forked_child()
