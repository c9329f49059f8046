"""One request the front holds, and how events reach the coroutine that holds its client."""

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Self

from ..broker.encoded_request import EncodedRequest
from ..envelopes import Frame
from .answer_spool import AnswerSpool
from .event_queue import EventQueue
from .kept_answer import KeptAnswer, KeptFrame
from .kept_body import KeptBody
from .memory import Reservation


class DeliveryState(Enum):
    """Tells how far the broker is known to have a request."""

    PENDING = auto()  # not sent, or certainly not taken
    SENT = auto()  # sent; whether the broker has taken it is not known yet
    QUEUED = auto()  # the broker has taken it


class HoldEnd(Enum):
    """Tells why holding ends without an answer."""

    CLIENT_LEFT = auto()
    EXPIRED = auto()  # the deadline has passed


class Failure(str):
    """No worker will answer: the reason, in the broker's words, or one of those below."""


BAD_REPLY = Failure("bad_reply")  # what came for it can't be used
WORKER_LOST = Failure("worker_lost")
OUT_OF_TIME = Failure("hold_expired_started")  # it may have been started
# The same two where the broker has lost its data, and so has counted neither.
BROKER_LOST = Failure("broker_lost")
BROKER_LOST_LATE = Failure("broker_lost_late")

SENT_ANEW = 3  # times at most, a request that workers refuse for its time

Event = Frame | KeptFrame | Failure | HoldEnd


class HeldRequest:
    """A request and its place at the front. Made and used on the front's event loop only.

    A context manager: however its block ends, `release` is called, so that the broker is told.

    Args:
        request: what is sent to the broker.
        loop: the front's event loop.
        memory: counts the frames that its client has not taken.
        release: called with this when it is no longer held.
        body: of the request, where it stays here; closed once no worker can want it.
        acknowledge: called with this when its worker is to be told how much of a stream is taken.
        spool: for what of its answer there is no memory; None for none.
    """

    __slots__ = (
        *("_body", "_events", "_expired", "_loop", "_release", "attempt", "cut_off", "deadline"),
        *("drop_timeout", "failed", "kept", "next_seq", "on_settled", "on_taken", "request"),
        *("settled", "started_before", "state", "times_refused", "times_sent", "withdrawn"),
    )

    def __init__(
        self,
        request: EncodedRequest,
        loop: asyncio.AbstractEventLoop,
        memory: Reservation,
        release: Callable[["HeldRequest"], object] = lambda held: None,
        body: KeptBody | None = None,
        acknowledge: Callable[["HeldRequest"], object] = lambda held: None,
        spool: AnswerSpool | None = None,
    ):
        self.request = request
        self.state = DeliveryState.PENDING
        self.times_sent = 0  # resending the same batch does not count
        self.times_refused = 0  # unrun, for its time, and sent anew
        self.started_before = False  # by a worker that was lost, as another has said
        self.attempt = 0  # the one that answers; 0 before its first frame
        self.next_seq = 0
        self.settled = False  # the broker no longer holds it, and has said so
        self.on_settled: Callable[[], object] | None = None  # called when its last frame has come
        self.on_taken: Callable[[], object] | None = None  # called when the broker has taken it
        self.failed = False  # its client has been promised a refusal
        self.withdrawn = False  # the broker is told, or will be, that nobody waits for it
        self.deadline = loop.time() + request.meta.hold_ms / 1000
        self.cut_off = False  # its answer was dropped: the client took it too slowly
        self.drop_timeout = asyncio.timeout(
            None
        )  # ends what is done for the client when it is cut off
        self._expired = False
        self._loop = loop
        memory.on_cut = self._cut_off
        self.kept = KeptAnswer(memory, spool, lambda: acknowledge(self), self._cut_off)
        self._release = release
        self._body = body
        self._events: EventQueue[Event] = EventQueue(loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop_body()
        self.kept.close()
        self._release(self)

    @property
    def answering(self) -> bool:
        """Whether a part of an answer has been seen."""
        return self.next_seq > 0

    @property
    def finished(self) -> bool:
        """Whether the last event that decides its answer has been handed over."""
        return self.settled or self.failed

    @property
    def may_have_run(self) -> bool:
        """Whether the broker, or a worker, lost it once: one may have run it before that."""
        pending = self.state is DeliveryState.PENDING
        return self.started_before or self.times_sent > (0 if pending else 1)

    def may_be_sent_after_loss(self, now: float) -> bool:
        """Whether it can go to the broker once more, which has lost it; `now` is the loop's."""
        request = self.request
        return (
            self.times_sent < request.meta.max_attempts
            and not self.answering
            and not self.withdrawn
            and now < self.deadline
        )

    def pieces(self, numbers: Iterable[int]) -> list[bytes]:
        """Read pieces of its body, as far as there are such; none where it is no longer here."""
        size = self.request.meta.piece_size
        return [] if self._body is None else self._body.pieces(numbers, size)

    def _drop_body(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()

    def may_be_sent_after_refusal(self, now: float) -> bool:
        """Whether it can go to the broker once more, whatever its method: it was refused unrun."""
        return (
            self.times_refused < SENT_ANEW
            and not (self.answering or self.finished or self.withdrawn)
            and now < self.deadline
        )

    def mark_expired(self) -> bool:
        """Note that its hold has ended; whether that was known before."""
        before, self._expired = self._expired, True
        return before

    def notify(self, event: Event) -> None:
        """Hand an event to the coroutine that holds the client.

        A bad reply does not settle a request: the broker may still hold it, its worker still work.
        """
        if isinstance(event, Failure):
            self.failed = True
            self.settled = self.settled or event is not BAD_REPLY
        elif isinstance(event, Frame):
            self.settled = self.settled or not event.head.more
            if not self.cut_off:
                event = self.kept.keep(event)
            if not event.head.more and self.on_settled is not None:
                self.on_settled()
        if self.settled:
            self._drop_body()
        if event is HoldEnd.CLIENT_LEFT:
            self._events.put_first(event)  # nobody takes what has come before
        elif not self.cut_off:
            self._events.put(event)

    async def next_event(self) -> Event:
        """Wait for the next event, in order."""
        return await self._events.next()

    def _cut_off(self) -> None:
        if self.cut_off:
            return
        self.cut_off = True
        self._events.clear()
        self.kept.close()
        self.drop_timeout.reschedule(self._loop.time())
