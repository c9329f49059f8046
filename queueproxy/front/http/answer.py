"""Gives one client its answer: frames as they come, or one of the front's own refusals."""

from collections.abc import Callable

from ...asgi_types import Message, Receive, Scope, Send
from ...envelopes import Frame, Header
from ...http_syntax import BODILESS
from ..answer_spool import SpooledBody
from ..kept_answer import KeptFrame
from . import own_answers, refusals
from .body import discard_body
from .cut import MIN_RATE, SETTLED_SLACK, SLACK, ClientPatience, Cut
from .headers import RawHeader, reply_headers
from .refusals import Refusal

PIECE = 64 * 1024  # bytes given to the server at a time: so it shows that a slow client takes some


class Answer:
    """The one answer of one request.

    Args:
        scope: of the request.
        send: the server's.
        request_id: goes out as ``X-Request-ID``.
        timing: whether to add ``Server-Timing``.
        server_adds: lower-case names of headers that the server puts in by itself.
        slack, min_rate: how slowly the client may take it: see ClientPatience.
        settled_slack: the slack once no thread waits for the client any more.
    """

    def __init__(
        self,
        scope: Scope,
        send: Send,
        request_id: str,
        *,
        timing: bool,
        server_adds: frozenset[bytes],
        slack: float = SLACK,
        min_rate: float = MIN_RATE,
        settled_slack: float = SETTLED_SLACK,
    ):
        self._scope = scope
        self._is_head = scope["method"] == "HEAD"
        self._bodiless = False
        self._give = send
        self._patience = ClientPatience(slack, min_rate)
        self._settled_slack = settled_slack
        self._request_id = request_id
        self._timing = timing
        self._server_adds = server_adds
        self.started = False

    def no_thread_waits(self) -> None:
        """Give the client more time: all of its answer has come."""
        self._patience.extend(self._settled_slack)

    async def frame(
        self, frame: Frame | KeptFrame, on_piece: Callable[[], object] = lambda: None
    ) -> None:
        """Pass one frame on; returns when the server has room for more.

        Args:
            frame: its body may be in the spool.
            on_piece: called whenever the client has taken some.

        Raises:
            Cut: the worker broke the answer off.
            ClientTooSlow: the client does not take it.
        """
        head = frame.head
        if head.seq == 0:
            length = None if head.more or self._is_head else len(frame.body)
            await self._start(head.status, self._with_timing(frame), length)
        if head.aborted:
            raise Cut("The answer was broken off by its view.")
        await self._body(b"" if self._bodiless else frame.body, more=head.more, on_piece=on_piece)

    async def refuse(
        self, refusal: Refusal, *, unread: Receive | None = None, repeatable: bool = False
    ) -> None:
        """Answer for the worker.

        Args:
            refusal: the answer.
            repeatable: whether the request may be executed twice (see own_answers.py).
            unread: gives the rest of a body that is not wanted; it is read off for a while before
                the answer ends, and with it the connection.

        Raises:
            Cut: an answer has begun; it can only be broken off.
        """
        if self.started:
            raise Cut(refusal.detail)
        refusals.log(refusal, self._request_id, self._scope)
        status, headers, body = own_answers.response(
            refusal,
            self._request_id,
            self._scope,
            repeatable=repeatable,
            server_adds=self._server_adds,
        )
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        if unread is not None:
            await self._body(body, more=True)
            await discard_body(unread)
            body = b""
        await self._body(body, more=False)

    async def _start(self, status: int, headers: list[Header], length: int | None) -> None:
        self.started = True
        self._bodiless = self._is_head or status in BODILESS
        fixed = reply_headers(
            headers, self._request_id, status=status, server_adds=self._server_adds
        )
        if length is not None and not self._bodiless and not _has_length(fixed):
            fixed.append((b"content-length", b"%d" % length))
        await self._send({"type": "http.response.start", "status": status, "headers": fixed})

    async def _body(
        self,
        body: bytes | SpooledBody,
        *,
        more: bool,
        on_piece: Callable[[], object] = lambda: None,
    ) -> None:
        for at in range(0, len(body) or 1, PIECE):
            piece = body[at : at + PIECE]
            whole = at + PIECE >= len(body)
            message = {"type": "http.response.body", "body": piece, "more_body": more or not whole}
            await self._send(message, len(piece))
            on_piece()

    async def _send(self, message: Message, size: int = 0) -> None:
        await self._patience.wait_for_room(self._give(message), size)

    def _with_timing(self, frame: Frame | KeptFrame) -> list[Header]:
        if not self._timing:
            return frame.head.headers
        timing = f"queue;dur={frame.head.wait_ms:.1f}, app;dur={frame.head.run_ms:.1f}"
        return [*frame.head.headers, ("Server-Timing", timing)]


def _has_length(headers: list[RawHeader]) -> bool:
    return any(name == b"content-length" for name, _ in headers)
