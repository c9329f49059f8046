"""One HTTP request, from the client's bytes to the client's answer."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from channels.consumer import AsyncConsumer

from ..broker.front_broker import EncodedRequest
from ..envelopes import Frame, RequestHead
from .client_watch import ClientWatch
from .front import Front
from .held_request import Event, Failure, HeldRequest, State
from .http import refusals
from .http.admission import admit
from .http.answer import Answer
from .http.body import BodyTooLarge, BodyTooSlow, ClientDisconnected
from .http.headers import Peer, forwardable_request_headers, peer_of, raw_path, request_id
from .http.refusals import Refusal
from .upload import NO_BODY, Body, NoRoom, has_body, take_body

logger = logging.getLogger("queueproxy.front")

CREDIT = 256 * 1024  # bytes of a stream the client has taken before its worker is told
WITHDRAW_WITHIN = 1.5  # seconds; a hold ends at most 2 s late


@dataclass(frozen=True)
class ConsumerOptions:
    """What a consumer needs to know, as plain values. Times in seconds, sizes in bytes."""

    max_hold: float
    max_body: int
    max_attempts: int
    retry_methods: frozenset[str]
    trusted_proxies: tuple
    server_timing: bool
    route: Callable[[dict], str]


class RequestConsumer(AsyncConsumer):
    """Enqueues one request, holds its client and gives it the answer.

    A Channels consumer that runs its own course instead of the event-by-event dispatch: that one
    cannot see the client leave while a handler waits, and hops to a thread for each event.

    Args:
        front: holds the requests of this event loop.
        options: plain values, from the settings.
        server_adds: lower-case names of headers that the server puts in by itself.
    """

    def __init__(
        self, front: Front, options: ConsumerOptions, server_adds: frozenset[bytes] = frozenset()
    ):
        self.front = front
        self.options = options
        self._server_adds = server_adds
        self._taken = 0

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        self.scope = scope
        self.request_id = request_id(scope["headers"])
        self.answer = Answer(
            scope,
            send,
            self.request_id,
            timing=self.options.server_timing,
            server_adds=self._server_adds,
        )
        try:
            await self._run(receive)
        except ClientDisconnected:
            pass

    async def _run(self, receive: Callable) -> None:
        refusal = admit(self.scope, max_body=self.options.max_body)
        if refusal is not None:
            await self.answer.refuse(refusal, unread=receive)
            return
        id = self.front.new_id()
        body = await self._take_body(id, receive)
        if isinstance(body, Refusal):
            await self.answer.refuse(body, unread=receive)
            return
        held = self.front.submit(self._encode(id, body))
        watch = ClientWatch(held, receive)
        try:
            await self._hold(held, watch)
        finally:
            watch.end()
            self.front.inbox.remove(held)

    async def _take_body(self, id: str, receive: Callable) -> Body | Refusal:
        if not has_body(self.scope):
            return NO_BODY
        limit, hold = self.options.max_body, self.options.max_hold
        try:
            return await take_body(self.front, id, receive, limit=limit, expires=hold)
        except BodyTooLarge:
            return refusals.BODY_TOO_LARGE
        except BodyTooSlow:
            return refusals.BODY_TOO_SLOW
        except NoRoom:
            return refusals.MEMORY_FULL

    def _encode(self, id: str, body: Body) -> EncodedRequest:
        options, scope = self.options, self.scope
        peer: Peer = peer_of(scope, options.trusted_proxies)
        hold_ms = int(options.max_hold * 1000)
        head = RequestHead(
            id=id,
            request_id=self.request_id,
            method=scope["method"],
            path=raw_path(scope),
            query=scope["query_string"].decode("latin-1"),
            headers=forwardable_request_headers(scope),
            scheme=peer.scheme,
            http_version=scope["http_version"],
            front=self.front.id,
            queue=options.route(scope),
            hold_ms=hold_ms,
            max_attempts=options.max_attempts if scope["method"] in options.retry_methods else 1,
            sent=int(time.time() * 1000),
            root_path=scope.get("root_path", ""),
            client=peer.client,
            server=scope.get("server"),
            body_size=body.size,
            chunks=body.chunks,
        )
        raw, signature = self.front.codec.encode_request(head, body.digest)
        return EncodedRequest(
            id=id,
            queue=head.queue,
            hold_ms=hold_ms,
            max_attempts=head.max_attempts,
            size=body.size + len(raw),
            chunks=body.chunks,
            head=raw,
            body=body.inline,
            signature=signature,
        )

    async def _hold(self, held: HeldRequest, watch: ClientWatch) -> None:
        """Wait for news of the request until it is answered, refused or given up."""
        while True:
            news = await held.next()
            if isinstance(news, Frame):
                if news.head.more:
                    watch.follow_stream()
                if await self._give(held, news):
                    return
            elif news is Event.LEFT:
                self.front.sender.withdraw(held)
                return
            else:
                if isinstance(news, Failure):
                    refusal = refusals.for_failure(news)
                else:
                    refusal = await self._expire(held)
                if refusal is not None:
                    await self.answer.refuse(honest(refusal, held))
                    return

    async def _give(self, held: HeldRequest, frame: Frame) -> bool:
        """Pass a frame on to the client; True when it was the last."""
        await self.answer.frame(frame)
        if not frame.head.more:
            return True
        self._taken += len(frame.body)
        if self._taken >= CREDIT:
            self.front.sender.credit(held.request.id, self._taken)
            self._taken = 0
        return False

    async def _expire(self, held: HeldRequest) -> Refusal | None:
        """The hold is over; None where an answer is just coming in."""
        state = held.state
        try:
            async with asyncio.timeout(WITHDRAW_WITHIN):
                fate = await self.front.sender.withdraw(held, "expired")
        except TimeoutError:
            fate = "unsent" if state is State.PENDING else "unknown"
        if fate in ("unsent", "withdrawn"):
            never_sent = fate == "unsent"
            return refusals.BROKER_AWAY if never_sent else refusals.HOLD_EXPIRED_WAITING
        if fate == "gone" and not held.expired_once():
            asyncio.get_running_loop().call_later(0.3, held.tell, Event.EXPIRED)
            return None
        return refusals.HOLD_EXPIRED_IN_FLIGHT


def honest(refusal: Refusal, held: HeldRequest) -> Refusal:
    """The refusal, unless it promises more than is known: that nothing was executed."""
    if held.sent_again and refusal.retry_after is not None:
        return refusals.HOLD_EXPIRED_IN_FLIGHT
    return refusal
