"""Gives one client its answer: frames as they come, or one of the front's own refusals."""

from collections.abc import Callable

from ..envelopes import Frame, Header
from . import refusals
from .headers import headers_the_server_adds, reply_headers
from .refusals import Refusal


class Cut(Exception):
    """The answer breaks off; raised into the server, which closes the connection (P9)."""


class Answer:
    """The one answer of one request.

    Args:
        scope: of the request.
        send: the server's.
        request_id: goes out as ``X-Request-ID``.
        timing: whether to add ``Server-Timing``.
    """

    def __init__(self, scope: dict, send: Callable, request_id: str, *, timing: bool):
        self._head = scope["method"] == "HEAD"
        self._send = send
        self._request_id = request_id
        self._timing = timing
        self.started = False

    async def frame(self, frame: Frame) -> None:
        """Pass one frame on; returns when the server has room for more.

        Raises:
            Cut: the worker broke the answer off.
        """
        head = frame.head
        if head.seq == 0:
            await self._start(head.status, self._with_timing(frame))
        if head.aborted:
            raise Cut("The answer was broken off by its view.")
        await self._body(frame.body, more=head.more)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer for the worker.

        Raises:
            Cut: an answer has begun; it can only be broken off.
        """
        if self.started:
            raise Cut(refusal.detail)
        status, headers, body = refusals.response(refusal, self._request_id, head=self._head)
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._body(body, more=False)

    async def _start(self, status: int, headers: list[Header]) -> None:
        self.started = True
        fixed = reply_headers(
            headers, self._request_id, server_adds=headers_the_server_adds(self._send)
        )
        await self._send({"type": "http.response.start", "status": status, "headers": fixed})

    async def _body(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _with_timing(self, frame: Frame) -> list[Header]:
        if not self._timing:
            return frame.head.headers
        timing = f"queue;dur={frame.head.wait_ms:.1f}, app;dur={frame.head.run_ms:.1f}"
        return [*frame.head.headers, ("Server-Timing", timing)]
