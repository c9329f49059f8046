"""Reads what a WSGI application returned (PEP 3333): Django's response, or an agent's iterable.

An agent's iterable has to be read and closed, as a WSGI server does it: only so the agent sees the
pieces, the errors between them, and the end of the request. What it says is what a client gets:
agents add headers, and scripts to pages.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator

from django.http import StreamingHttpResponse

from ..envelopes import Header
from ..exceptions import BadResponse, ClientGone, StreamEnded
from .response import (
    CheckedAnswer,
    Response,
    Watch,
    answer_of,
    async_pieces,
    bodyless,
    checked_headers,
    each_async_piece,
    each_piece,
    is_stream,
    sync_pieces,
    unwatched,
)


class StartResponse:
    """The ``start_response`` of one request: keeps what it was last told."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[Header] | None = None  # until it is called

    def __call__(
        self, status: str, headers: list[Header], exc_info: object = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return _write


def _write(data: bytes) -> None:
    raise NotImplementedError("The write() of PEP 3333 is not offered: return an iterable.")


class Result:
    """Django's response, returned as it is.

    Args:
        response: of Django; not closed, its stream not read.
        start_response: was told its headers, unless it could not be.
    """

    wrapped = False

    def __init__(self, response: Response, start_response: StartResponse):
        self.response = response
        self._started = start_response

    def answer(self, method: str) -> CheckedAnswer:
        """Status, headers, declared length and body; the body is None for a stream.

        Raises:
            BadResponse: it cannot be sent.
        """
        return answer_of(method, self.response, self._started.headers)

    def each_piece(self, take: Callable[[bytes], None], watch: Watch = unwatched) -> None:
        """Give `take` the body of a stream; whatever it or the view raises is raised here."""
        if is_stream(self.response):
            each_piece(self.response, take, watch)

    def close(self) -> None:
        """Close the response, which sends ``request_finished``."""
        self.response.close()


class WrappedResult(Result):
    """An iterable in which Django's response is hidden.

    Args:
        response: of Django; or, where an agent answered by itself, an empty stream.
        iterable: to be read and closed in its place.
        start_response: told by now, or, as New Relic does it, when the first piece is made.
    """

    wrapped = True

    def __init__(
        self,
        response: Response,
        iterable: Iterable[bytes],
        start_response: StartResponse,
    ):
        super().__init__(response, start_response)
        self._iterable = iterable
        self._pieces: Iterator[bytes] | None = None
        self._ahead: list[bytes] = []  # read and not given away yet

    def answer(self, method: str) -> CheckedAnswer:
        """Check what the agent made of the response, as the parent does Django's."""
        try:
            return self._answer(method)
        except BadResponse:
            raise
        except Exception as error:  # an agent's own making
            raise BadResponse(f"The agent's answer can't be read: {error!r}") from error

    def _answer(self, method: str) -> CheckedAnswer:
        own = answer_of(method, self.response)  # checked as where there is no agent
        self._read_files_in_blocks()
        self._read_until_started()
        if self._started.headers is None:
            if _is_async(self.response):
                return own
            raise BadResponse("The agent did not call start_response.")
        status = int(self._started.status.partition(" ")[0])
        if not 200 <= status <= 599:
            raise BadResponse(f"The agent answered with the status {status}.")
        headers, length = checked_headers(self._started.headers)
        if own.body is None or bodyless(method, status):
            return CheckedAnswer(
                status, headers, length, own.body, own.is_file and length is not None
            )
        return CheckedAnswer(status, headers, length, self._read_whole(length))

    def _read_files_in_blocks(self) -> None:
        response = self.response
        if is_stream(response) and getattr(response, "file_to_stream", None) is not None:
            response.streaming_content = sync_pieces(response)

    def _read_until_started(self) -> None:
        if _is_async(self.response):
            return  # its pieces are there only while `each_piece` runs
        while self._started.headers is None and self._read_one():
            pass

    def _read_whole(self, length: int | None) -> bytes:
        """Read the body to its declared length and no further.

        At the end of the pieces an agent may close the response, for which a client has not to
        wait; without a length there is no other way to see the end.
        """
        size = sum(map(len, self._ahead))
        while (length is None or size < length) and self._read_one():
            size += len(self._ahead[-1])
        if length is not None and size != length:
            raise BadResponse(f"Content-Length is {length}, the body has {size}.")
        body, self._ahead = b"".join(self._ahead), []
        return body

    def _read_one(self) -> bool:
        try:
            self._ahead.append(next(self._all_pieces()))
        except StopIteration:
            return False
        except BaseException as error:
            raise BadResponse(f"The answer broke off before it began: {error!r}") from error
        return True

    def _all_pieces(self) -> Iterator[bytes]:
        if self._pieces is None:
            self._pieces = iter(self._iterable)
        return self._pieces

    def each_piece(self, take: Callable[[bytes], None], watch: Watch = unwatched) -> None:
        left: list[Exception] = []
        response = self.response
        if is_stream(response) and response.is_async:
            response.streaming_content = _given_to(take, watch, response, left)
        ahead, self._ahead = self._ahead, []
        for data in itertools.chain(ahead, self._all_pieces()):
            take(data)
        if left:
            raise left[0]

    def close(self) -> None:
        """Read what is left of a body that is no stream, and close the iterable."""
        try:
            if not self.response.streaming:
                for _ in self._all_pieces():
                    pass
        finally:
            self._pieces = None
            close = getattr(self._iterable, "close", None)
            if close is not None:
                close()


def _is_async(response: Response) -> bool:
    return is_stream(response) and response.is_async


def _given_to(
    take: Callable[[bytes], None],
    watch: Watch,
    response: StreamingHttpResponse,
    left: list[Exception],
) -> Iterator[bytes]:
    """Return an iterator without pieces: it gives those of an async response to `take` itself.

    A loop can't be left between two pieces, as iterating demands it. So the agent sees the time
    and the errors of the stream, and not its pieces. That the client left, or that the stream's
    time is over, is no error: it is noted in `left`.
    """
    pieces = async_pieces(response)

    def run() -> Iterator[bytes]:
        try:
            each_async_piece(pieces, take, watch)
        except (ClientGone, StreamEnded) as error:
            left.append(error)
        yield from ()

    return run()
