"""One HTTP request, from the client's bytes to the client's answer."""

import asyncio
import logging

from channels.consumer import AsyncConsumer

from ..asgi_types import Receive, Scope, Send
from ..broker.encoded_request import EncodedRequest
from ..envelopes import Frame
from .client_watch import ClientWatch
from .consumer_options import ConsumerOptions
from .front import Front
from .held_request import DeliveryState, Failure, HeldRequest, HoldEnd
from .http import refusals
from .http.access_log import refusal_for
from .http.admission import admit
from .http.answer import Answer
from .http.body import BodyTooLarge, BodyTooSlow, ClientDisconnected
from .http.cut import MemoryNeeded, StoppedInFlight, StoppedUnsent
from .http.headers import peer_of, request_id
from .http.refusals import Executed, Refusal
from .kept_answer import KeptFrame
from .kept_body import NoRoom
from .memory import Reservation, head_size
from .observer import NO_OBSERVERS, Observers
from .outbox import UNSENT
from .request_encoder import RequestEncoder
from .treatment import may_be_sent_again, treatment
from .upload import NO_BODY, Body, has_body, has_room, take_body

logger = logging.getLogger("queueproxy.front")

WITHDRAW_WITHIN = 1.5  # seconds; a hold ends at most 2 s late
ROUTES_WITHIN = 2.0  # seconds until a front that has just started knows what is said of views
ANSWER_WITHIN = 0.3  # seconds for the answer of a request that the broker is done with


class RequestConsumer(AsyncConsumer):
    """Enqueues one request, holds its client and gives it the answer.

    A Channels consumer that runs its own course instead of the event-by-event dispatch: that one
    cannot see the client leave while a handler waits, and hops to a thread for each event.

    Args:
        front: holds the requests of this event loop.
        options: plain values, from the settings.
        server_adds: lower-case names of headers that the server puts in by itself.
        observers: follow the request.
    """

    def __init__(
        self,
        front: Front,
        options: ConsumerOptions,
        server_adds: frozenset[bytes] = frozenset(),
        observers: Observers = NO_OBSERVERS,
    ):
        self.front = front
        self.options = options
        self._server_adds = server_adds
        self._observers = observers
        self._request: EncodedRequest | None = None  # once it is to be put on its queue
        self._owes = False  # an answer, to its client, of which nothing is counted yet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # see `asgi_types`
        self.scope: Scope = scope  # type: ignore[assignment]  # see `asgi_types`
        self.request_id = request_id(scope["headers"])
        self.answer = Answer(
            scope,
            send,
            self.request_id,
            timing=self.options.server_timing,
            server_adds=self._server_adds,
            slack=self.options.client_slack,
            min_rate=self.options.client_min_rate,
            settled_slack=self.options.client_slack_settled,
        )
        self._owes = True
        if self._observers:
            peer = peer_of(scope, self.options.trusted_proxies)
            self._observers.begins(self.request_id, peer)
        try:
            await self._run(receive)
        except ClientDisconnected:
            pass

    async def _run(self, receive: Receive) -> None:
        with self.front.memory.reservation() as memory:
            id = self.front.new_id()
            try:
                waited = await self.front.routes.first_answer(ROUTES_WITHIN)
                body = await take_in(self.front, self.options, self.scope, receive, memory)
            except asyncio.CancelledError as error:
                raise StoppedUnsent from error
            if not isinstance(body, Refusal):
                self._request = self._encode(id, body, waited)
                await self._hold(self._request, body, receive, memory)
                return
        await self._refuse(body, unread=receive)

    def _encode(self, id: str, body: Body, waited: float) -> EncodedRequest:
        encoder = RequestEncoder(self.front.id, self.options)
        try:
            return encoder.encode(self.scope, id, self.request_id, body, waited, self._observers)
        except BaseException:
            if body.kept is not None:
                body.kept.close()
            raise

    async def _hold(
        self, request: EncodedRequest, body: Body, receive: Receive, memory: Reservation
    ) -> None:
        holding = self.front.hold(request, memory, body.kept)
        with holding as held, ClientWatch(held, receive) as watch:
            held.on_settled = self.answer.no_thread_waits
            held.on_taken = self._observers.taken
            try:
                async with held.drop_timeout:
                    await self._answer(held, watch)
            except TimeoutError:
                if not held.cut_off:
                    raise
            except asyncio.CancelledError as error:
                if held.state is DeliveryState.PENDING and not held.may_have_run:
                    raise StoppedUnsent from error
                raise StoppedInFlight(may_be_sent_again(self.scope, self.options)) from error
            else:
                return
        if self.answer.started:
            raise MemoryNeeded
        await self._refuse(refusals.ANSWER_DROPPED)

    async def _answer(self, held: HeldRequest, watch: ClientWatch) -> None:
        """Wait for events until the request is answered, refused or given up.

        Whatever way this ends, the request's context tells the broker where that is due.
        """
        while True:
            event = await held.next_event()
            if isinstance(event, (Frame, KeptFrame)):
                if event.head.more:
                    watch.follow_stream()
                await self._pass_on(held, event)
                if not event.head.more:
                    return
            elif event is HoldEnd.CLIENT_LEFT:
                self._note_that_its_client_left(held)
                return
            else:
                if isinstance(event, Failure):
                    refusal: Refusal | None = refusals.for_failure(event)
                else:
                    self._owes = False  # should the front stop now: the broker is to count it
                    refusal = await expire(self.front, held)
                    self._owes = True
                if refusal is not None:
                    await self._refuse(as_far_as_known(refusal, held))
                    return

    async def _pass_on(self, held: HeldRequest, frame: Frame | KeptFrame) -> None:
        """Send a frame to the client."""
        if frame.head.seq == 0:
            self._observers.answered(frame.head)
        held.kept.begin(frame)
        await self.answer.frame(frame, on_piece=held.kept.touch)
        held.kept.end(frame)

    def _note_that_its_client_left(self, held: HeldRequest) -> None:
        if held.state is DeliveryState.QUEUED:  # else nobody finds anything of it
            notes, method = self.front.untold.notes, self.scope["method"]
            notes.left(self.request_id, method, held.request)

    async def _refuse(self, refusal: Refusal, *, unread: Receive | None = None) -> None:
        """Answer for the worker: see Answer."""
        if not self.answer.started:
            self._observers.refused(refusal)
            notes, method = self.front.untold.notes, self.scope["method"]
            notes.add(self.request_id, method, refusal, self._request)
            self._count(refusal)
        again = refusal.executed is not Executed.NO and may_be_sent_again(self.scope, self.options)
        await self.answer.refuse(refusal, unread=unread, repeatable=again)

    def ended_by(self, error: BaseException) -> None:
        """Note that the server gives the answer, if none has begun: this has raised."""
        if self._owes and not self.answer.started:
            self._count(refusal_for(error))

    def _count(self, refusal: Refusal) -> None:
        if self._owes and refusal.reason:
            request = self._request
            queue = queue_of(self.scope, self.options) if request is None else request.queue
            self.front.untold.counts.add(refusal, queue)
        self._owes = False


async def take_in(
    front: Front, options: ConsumerOptions, scope: Scope, receive: Receive, memory: Reservation
) -> Body | Refusal:
    """Take a request in, as far as there is room for it."""
    refusal = admit(scope, max_body=options.max_body)
    if refusal is not None:
        return refusal
    if not memory.keep(head_size(scope)):
        return refusals.FRONT_FULL
    if not has_body(scope):
        return NO_BODY
    if not has_room(front, scope):
        return refusals.FRONT_FULL
    try:
        return await take_body(front, receive, memory, limit=options.max_body)
    except BodyTooLarge:
        return refusals.BODY_TOO_LARGE
    except BodyTooSlow:
        return refusals.BODY_TOO_SLOW
    except NoRoom:
        return refusals.FRONT_FULL


def queue_of(scope: Scope, options: ConsumerOptions) -> str:
    """Find the queue of a request that was not put on it; empty where none can be found."""
    try:
        return treatment(scope, options).queue
    except Exception:  # which may be why it was not put on one
        return ""


# What became of a request that was withdrawn as its hold ended. Any other fate: it was started.
_REFUSAL_BY_FATE = {
    UNSENT: refusals.BROKER_AWAY,
    "withdrawn": refusals.HOLD_EXPIRED_WAITING,
}


async def expire(front: Front, held: HeldRequest) -> Refusal | None:
    """Withdraw a request whose hold has ended; None where an answer is just coming in."""
    server = front.untold.server
    withdrawn = front.withdraw(held, "expired")
    await asyncio.wait([withdrawn], timeout=WITHDRAW_WITHIN)
    if withdrawn.done():
        fate = withdrawn.result()
    else:  # the broker may have it, and tells later
        fate = "unknown"
        front.untold.count_if_lost(held, withdrawn, server)
    if fate == "gone" and not held.mark_expired():
        loop = asyncio.get_running_loop()
        loop.call_later(ANSWER_WITHIN, held.notify, HoldEnd.EXPIRED)
        return None
    return _REFUSAL_BY_FATE.get(fate, refusals.HOLD_EXPIRED_IN_FLIGHT)


def as_far_as_known(refusal: Refusal, held: HeldRequest) -> Refusal:
    """Return the refusal, unless it would promise without being sure that nothing was executed."""
    if refusal is refusals.NOT_COMMITTED:
        return refusal
    if held.may_have_run and refusal.retry_after is not None:
        counted = not refusal.reason  # by the broker
        return refusals.HOLD_EXPIRED_IN_FLIGHT if counted else refusals.HOLD_EXPIRED_LOST
    return refusal
