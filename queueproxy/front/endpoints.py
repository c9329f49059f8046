"""Answers the front's own endpoints, also while all is paused.

They are livez, readyz, metrics, status and seen.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from ..asgi_types import Scope, Send
from ..broker.observe.metrics import CONTENT_TYPE, exposition
from ..broker.observe.reader import SnapshotReader
from ..broker.observe.snapshot import Snapshot
from ..exceptions import BrokerUnavailable
from ..signing import Signer
from . import status_page
from .front import Front
from .http import own_answers
from .http.headers import (
    RawHeader,
    Trusted,
    date_header,
    is_forwarded_by_stranger,
    peer_is_among,
    peer_of,
    raw_path,
    request_id,
)
from .http.refusals import METHOD_NOT_ALLOWED, NOT_ASKED_BY_DOCTOR, NOT_FOR_EVERYBODY, Refusal
from .seen import may_ask, seen

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json"
ANSWER_WITHIN = 3.0  # seconds for the broker; people and monitors want to know soon that it is away


class EndpointAnswer(NamedTuple):
    """An endpoint's response."""

    status: int
    content_type: str
    text: str
    headers: tuple[RawHeader, ...] = ()


class EndpointOptions(NamedTuple):
    """Options of the endpoints, as plain values.

    Attributes:
        prefix: the common beginning of their paths; None for no endpoints.
        monitoring: who may see metrics and status.
        trusted_proxies: whose forwarding headers say who asks.
        max_hold: the setting ``MAX_HOLD``, seconds.
        asking: verifies who may ask what a front sees (see `seen`).
    """

    prefix: str | None
    monitoring: Trusted
    trusted_proxies: Trusted
    max_hold: float
    asking: Signer


class Endpoints:
    """The front's own URLs, each matched on the exact path that was sent.

    Args:
        options: plain values, from the settings.
        front: asked for its state.
        open_reader: makes what reads the broker for metrics and status.
        no_worker: whether none is on the list.
    """

    def __init__(
        self,
        options: EndpointOptions,
        front: Front,
        open_reader: Callable[[], SnapshotReader],
        no_worker: Callable[[], bool],
    ):
        self._no_worker = no_worker
        self._options = options
        self._front = front
        self._open_reader = open_reader
        self._answers: dict[str, Callable[[Scope], Awaitable[EndpointAnswer | Refusal]]] = {}
        if options.prefix is not None:
            self._answers[options.prefix + "livez"] = self._livez
            self._answers[options.prefix + "readyz"] = self._readyz
            self._answers[options.prefix + "metrics"] = self._metrics
            self._answers[options.prefix + "status"] = self._status
            self._answers[options.prefix + "seen"] = self._seen

    def owns(self, scope: Scope) -> bool:
        """Whether the front answers this request. ``/-%2Fmetrics`` is the project's."""
        return raw_path(scope) in self._answers

    async def answer(self, scope: Scope, send: Send, server_adds: frozenset[bytes]) -> None:
        """Answer a request for one of the paths; GET and HEAD only.

        Args:
            server_adds: lower-case names of headers that the server puts in by itself.
        """
        if scope["method"] in ("GET", "HEAD"):
            result = await self._answers[raw_path(scope)](scope)
        else:
            result = METHOD_NOT_ALLOWED
        if isinstance(result, Refusal):
            await _refuse(scope, send, result, server_adds)
        else:
            await _send(scope, send, result, [] if b"date" in server_adds else [date_header()])

    async def _livez(self, scope: Scope) -> EndpointAnswer:
        return EndpointAnswer(200, PLAIN, "ok\n")

    async def _readyz(self, scope: Scope) -> EndpointAnswer:
        if self._front.draining:
            return EndpointAnswer(503, PLAIN, "draining\n")
        if not self._front.sender.reachable:
            return EndpointAnswer(503, PLAIN, "broker away\n")
        # It takes clients all the same, and holds them.
        if self._front.sender.silent:
            return EndpointAnswer(200, PLAIN, "ok, broker silent\n")
        return EndpointAnswer(200, PLAIN, "ok, no worker\n" if self._no_worker() else "ok\n")

    async def _metrics(self, scope: Scope) -> EndpointAnswer | Refusal:
        if not self._may_look(scope):
            return NOT_FOR_EVERYBODY
        try:
            return EndpointAnswer(200, CONTENT_TYPE, exposition(await self._snapshot()))
        except BrokerUnavailable:
            return EndpointAnswer(503, PLAIN, "broker away\n")

    async def _status(self, scope: Scope) -> EndpointAnswer | Refusal:
        if not self._may_look(scope):
            return NOT_FOR_EVERYBODY
        snapshot, error = None, ""
        try:
            snapshot = await self._snapshot()
        except BrokerUnavailable as away:
            error = str(away)
        status = 200 if snapshot else 503
        if _wants_json(scope):
            return EndpointAnswer(status, JSON, status_page.as_json(snapshot))
        renewed = not _asks_for(scope, status_page.STILL)
        if snapshot is None:
            away_for = self._front.sender.away_for
            text = status_page.as_html_without_broker(error, away_for, renewed=renewed)
        else:
            text = status_page.as_html(snapshot, self._options.max_hold, renewed=renewed)
        policy = status_page.CONTENT_SECURITY_POLICY.encode()
        return EndpointAnswer(status, HTML, text, ((b"content-security-policy", policy),))

    async def _seen(self, scope: Scope) -> EndpointAnswer | Refusal:
        if not may_ask(scope, self._options.asking):
            return NOT_ASKED_BY_DOCTOR
        found = seen(scope, self._options.trusted_proxies)
        return EndpointAnswer(200, JSON, msgspec.json.encode(found._asdict()).decode())

    def _may_look(self, scope: Scope) -> bool:
        """Whether who asks, as far as trusted proxies tell, is among the monitoring addresses."""
        options = self._options
        if is_forwarded_by_stranger(scope, options.trusted_proxies):
            return False  # a proxy of which nobody has told us: who is behind it can't be known
        return peer_is_among(peer_of(scope, options.trusted_proxies).client, options.monitoring)

    async def _snapshot(self) -> Snapshot:
        # In a thread: one scrape is no reason for a second, asynchronous reader. What it waits for
        # has bounds of its own, each longer.
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await asyncio.to_thread(self._read)
        except TimeoutError:
            raise BrokerUnavailable("it does not answer") from None

    def _read(self) -> Snapshot:
        reader = self._open_reader()
        try:
            return reader.snapshot()
        finally:
            reader.close()


def _asks_for(scope: Scope, words: str) -> bool:
    return words.encode() in scope["query_string"].split(b"&")


def _wants_json(scope: Scope) -> bool:
    if _asks_for(scope, "format=json"):
        return True
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return b"application/json" in accept and b"text/html" not in accept


async def _refuse(
    scope: Scope, send: Send, refusal: Refusal, server_adds: frozenset[bytes]
) -> None:
    id = request_id(scope["headers"])
    status, headers, body = own_answers.response(refusal, id, scope, server_adds=server_adds)
    if refusal is METHOD_NOT_ALLOWED:
        headers.append((b"allow", b"GET, HEAD"))  # RFC 9110, 15.5.6
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send(scope: Scope, send: Send, result: EndpointAnswer, extra: list[RawHeader]) -> None:
    body = result.text.encode()
    fixed = [
        (b"content-type", result.content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *result.headers,
        *extra,
    ]
    await send({"type": "http.response.start", "status": result.status, "headers": fixed})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
