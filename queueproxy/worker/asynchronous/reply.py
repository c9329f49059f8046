"""Turns the ASGI messages of one answer into reply frames and sends them under the lease."""

import logging
from enum import Enum

from ...asgi_types import Message
from ...broker.claims import Claim, Settlement
from ...broker.slot import Slot
from ...envelopes import Frame, RequestHead
from ...exceptions import BadResponse
from ..frames import FrameMaker
from ..last_word import NOT_STARTED, Start
from ..response import CheckedAnswer, bodyless, checked_headers, ends_with_drain
from ..view_watch import ViewClock
from .answer_sender import AnswerSender
from .clients import Client
from .executor import Kind
from .frame_sender import FrameSender
from .retrying_broker import AsyncRetryingBroker

logger = logging.getLogger("queueproxy.worker")


class Stage(Enum):
    """How far an answer is."""

    NOTHING = "nothing has come"
    HEAD = "the head has come, and it is not known whether a stream follows"
    WHOLE = "its body is put together"
    FILE = "it is a file, and goes out block by block as an answer that is whole"
    STREAM = "it goes out as it comes"
    OVER = "its settlement is made; what still comes is for nobody"


class AsyncReply:
    """Sends the answer to one claim. Make it before the request is run: its timer starts here.

    Attributes:
        settlement: how the lease is to end; None until that is known.

    Args:
        broker: of the process.
        slot, claim, head: of the request.
        client: whom it is for.
        clock: stands still while the answer waits for its client or the broker.
        start: of the request, which knows the route it is run by.
    """

    def __init__(
        self,
        broker: AsyncRetryingBroker,
        slot: Slot,
        claim: Claim,
        head: RequestHead,
        client: Client,
        clock: ViewClock,
        start: Start = NOT_STARTED,
    ):
        self.settlement: Settlement | None = None
        self._claim = claim
        self._head = head
        self._start = start
        self._frames = FrameMaker(claim, slot.worker)
        self._stage = Stage.NOTHING
        self._answer = CheckedAnswer(0, [], None, None)
        self._whole: list[bytes] = []
        pushes = FrameSender(broker, slot, claim, head, client, clock)
        self._sender = AnswerSender(self._frames, pushes)

    @property
    def has_begun(self) -> bool:
        """Whether it goes out by now, so that no other answer can be given."""
        return self._stage in (Stage.STREAM, Stage.FILE)

    @property
    def ends_with_drain(self) -> bool:
        """Whether it goes out by now and a drain may end it before its view does."""
        return self._stage is Stage.STREAM and ends_with_drain(self._answer)

    async def take(self, message: Message, kind: Kind) -> None:
        """Take one message of the application (ASGI: ``http.response.start``, then ``.body``).

        Waits while the client is a window behind. Where the answer can't be sent, or ends before
        the application thinks so, `settlement` is there when this returns.

        Args:
            kind: of Django's response.

        Raises:
            ClientGone: it has left.
        """
        if self._stage is Stage.OVER:
            return
        try:
            if message["type"] == "http.response.start":
                await self._take_head(message, kind)
            elif message["type"] == "http.response.body":
                await self._take_body(message.get("body", b""), message.get("more_body", False))
        except BadResponse as error:
            await self.fail(error)

    async def _take_head(self, message: Message, kind: Kind) -> None:
        status = message["status"]
        if not (isinstance(status, int) and 200 <= status <= 599):
            raise BadResponse(f"The view answered with the status {status!r}.")
        told = [(_text(name), _text(value)) for name, value in message.get("headers", ())]
        self._whole.clear()
        self._answer = CheckedAnswer(status, *checked_headers(told), None)
        if bodyless(self._head.method, status):
            await self._send_whole(b"")
        elif kind is Kind.FILE and self._answer.length is not None:
            await self._begin(Stage.FILE)
        elif kind in (Kind.FILE, Kind.STREAM):
            await self._begin(Stage.STREAM)
        else:
            self._stage = Stage.WHOLE if kind is Kind.WHOLE else Stage.HEAD

    async def _take_body(self, data: bytes, more: bool) -> None:
        if self._stage is Stage.NOTHING:
            raise BadResponse("The application sent a body before the head of its answer.")
        if self._stage is Stage.HEAD:
            if more:
                await self._begin(Stage.STREAM)
            else:
                self._stage = Stage.WHOLE
        if self.has_begun:
            await self._sender.go_on(data)
            if not more:
                self._answered(self._sender.end())
            return
        self._whole.append(data)
        if not more:
            body = b"".join(self._whole)
            length = self._answer.length
            if length is not None and length != len(body):
                raise BadResponse(f"Content-Length is {length}, the body has {len(body)}.")
            await self._send_whole(body)

    async def _send_whole(self, body: bytes) -> None:
        self._whole.clear()
        self._answered(await self._sender.send_whole(self._answer, body))

    async def _begin(self, stage: Stage) -> None:
        self._stage = stage
        await self._sender.begin(self._answer, is_file=stage is Stage.FILE)

    async def fail(self, error: BaseException | None) -> None:
        """End an answer that can't be sent, or has broken off: a client must see that.

        Args:
            error: why; None where that is told already.
        """
        if not self.has_begun:
            head = self._head
            if error is not None:
                logger.error("%s %s: %s", head.method, head.path, error, exc_info=error)
            self.give_up("bad_response")
            return
        if error is not None:
            logger.error("A streamed answer broke off", exc_info=error)
        self._answered(await self._sender.break_off())

    def abandon(self) -> None:
        """End an answer that nobody reads any more."""
        self.give_up("abandoned")

    def give_up(self, outcome: str) -> None:
        """End it without a word of the view's; see Settlement."""
        self._end(Settlement(self._claim, outcome, ran=self._frames.seconds))

    def _answered(self, last: Frame) -> None:
        method, seconds = self._head.method, self._frames.seconds
        status = self._answer.status
        self._end(Settlement(self._claim, "answered", last, method, seconds, status))

    def _end(self, settlement: Settlement) -> None:
        self._stage = Stage.OVER
        self.settlement = settlement._replace(
            route=self._start.route, head=self._head, first_byte=self._frames.first_byte
        )


def _text(raw: bytes | str) -> str:
    """Read a header's name or value; servers take bytes alone, some agents send text."""
    return raw if isinstance(raw, str) else bytes(raw).decode("latin-1")
