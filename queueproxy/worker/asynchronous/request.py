"""Answers one claimed request on an event loop, as an ASGI server does."""

import asyncio
import logging

from ...asgi_types import Message
from ...broker.claims import Claim
from ...broker.slot import Slot
from ...envelopes import Envelope
from ...exceptions import ClientGone
from ...tracing.untraced import UNTRACED, Untraced
from ..admission import refused_by_view
from ..forking import end_forked_child
from ..giving_up import REASON as VIEW_TIMEOUT
from ..last_word import NOT_STARTED, Start
from ..view_watch import ViewClock
from .clients import Client
from .executor import AsyncExecutor, Kind, Run
from .receiver import End, Receiver
from .reply import AsyncReply
from .retrying_broker import AsyncRetryingBroker
from .scope import build_scope

logger = logging.getLogger("queueproxy.worker")

CANCEL_WITHIN = 5.0  # seconds a message may wait for the cancelling of who sends it
SERVER_ERROR: tuple[Message, ...] = (
    {
        "type": "http.response.start",
        "status": 500,
        "headers": [(b"Content-Type", b"text/plain"), (b"Content-Length", b"12")],
    },
    {"type": "http.response.body", "body": b"Server Error"},
)


class AsyncRequest:
    """One request from its claim to its closed response.

    Args:
        broker, executor: of the process.
        slot, claim: of the request.
        client: whom it is for.
        clock: of the slot.
        envelope: the request itself.
        start: as `Admission.begin` has it for this request, in the context that it is run in.
        attempt: its trace.

    Raises:
        DecodeError: the head was not written by one of our fronts; nothing was run.
    """

    def __init__(
        self,
        broker: AsyncRetryingBroker,
        executor: AsyncExecutor,
        slot: Slot,
        claim: Claim,
        client: Client,
        clock: ViewClock,
        envelope: Envelope,
        start: Start = NOT_STARTED,
        attempt: Untraced = UNTRACED,
    ):
        self._broker = broker
        self._executor = executor
        self._slot = slot
        self._claim = claim
        self._client = client
        self._clock = clock
        self._envelope = envelope
        self._run = Run()
        self._start = start
        self._attempt = attempt
        self._scope = build_scope(envelope.head)
        self._reply = AsyncReply(broker, slot, claim, envelope.head, client, clock, start)
        self._to_be_cut = False
        self._receiver = Receiver(broker, slot, claim, envelope, clock)
        self._end = self._receiver.end
        self._settling: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Run it, answer it, close it. Whatever it raises is logged."""
        self._clock.begin(self._claim, self._envelope.head, self._start)
        watch = asyncio.ensure_future(self._watch_client())
        error: BaseException | None = None
        try:
            await self._executor.respond(self._run, self._scope, self._receiver.receive, self._send)
        except BaseException as raised:  # of the project or an agent: it must not end a worker
            error = raised
        watch.cancel()
        await self._see_that_it_ends(error)
        self._attempt.end(self._reply.settlement)
        self._clock.stop()
        if self._settling is not None:
            await self._settling

    def cut(self) -> None:
        """End its answer where that is a stream: its view is cancelled, its client sees it broken.

        Only one without an end is: see `ends_with_drain`. Others go on to their ends.
        """
        self._to_be_cut = True
        if self._reply.ends_with_drain:
            self._end(End.CUT)

    def time_out(self) -> None:
        """Cancel a view that has run past VIEW_TIMEOUT."""
        self._end(End.LATE)

    @property
    def can_be_cancelled(self) -> bool:
        """Whether its view would notice to be cancelled, and has not been by now."""
        return self._run.can_be_cancelled and self._receiver.ended is None

    @property
    def _is_refused(self) -> bool:
        return bool(self._start.refused)

    # What the application is given.

    async def _send(self, message: Message) -> None:
        end_forked_child()  # forked by a stream
        if self._is_refused:
            return  # what Django makes of the refusal is for its middleware alone
        if self._receiver.ended is None:
            await self._take(message, self._run.kind)
        if self._receiver.ended is not None:
            # Who streams on for nobody must not keep the loop: it is being cancelled by now.
            await asyncio.sleep(CANCEL_WITHIN)
            raise ClientGone

    async def _take(self, message: Message, kind: Kind) -> None:
        try:
            await self._reply.take(message, kind)
        except ClientGone:
            self._end(End.LEFT)
            return
        if self._reply.settlement is not None:
            self._settle()
            if kind is not Kind.WHOLE and not _is_last(message):
                self._end(End.OVER)
        elif self._to_be_cut and self._reply.ends_with_drain:
            self._end(End.CUT)

    async def _watch_client(self) -> None:
        await self._client.has_left.wait()
        self._end(End.LEFT)

    # How it ends.

    async def _see_that_it_ends(self, error: BaseException | None) -> None:
        reply, end = self._reply, self._receiver.ended
        if reply.settlement is not None:
            if error is not None and end is None:
                logger.error("Closing a response failed", exc_info=error)
            return
        if self._start is not None and self._start.refused:
            reply.give_up(refused_by_view(self._claim, self._start).outcome)
        elif end is End.LEFT:
            reply.abandon()
        elif end is End.LATE:
            reply.give_up(VIEW_TIMEOUT)
        elif reply.has_begun:
            await reply.fail(None if end is End.CUT else error or _no_end())
        else:
            await self._answer_for_the_application(error)
        self._settle()

    async def _answer_for_the_application(self, error: BaseException | None) -> None:
        head = self._envelope.head
        logger.error("%s %s failed", head.method, head.path, exc_info=error or _no_end())
        try:
            for message in SERVER_ERROR:
                await self._reply.take(message, Kind.WHOLE)
        except ClientGone:
            self._reply.abandon()

    def _settle(self) -> None:
        """Have the lease ended; the response may be closed meanwhile."""
        if self._settling is None and self._reply.settlement is not None:
            settle = self._broker.settle(self._slot, self._reply.settlement)
            self._settling = asyncio.ensure_future(settle)
            self._clock.start(self._claim, self._envelope.head)


def _is_last(message: Message) -> bool:
    return bool(message["type"] == "http.response.body" and not message.get("more_body", False))


def _no_end() -> RuntimeError:
    return RuntimeError("The application returned without the end of its answer.")
