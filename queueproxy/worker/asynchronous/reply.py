"""Turns the ASGI messages of one answer into reply frames and sends them under the lease."""

import logging
from enum import Enum

from ...broker.claims import Claim, Settlement
from ...broker.slot import Slot
from ...envelopes import Frame, Header, RequestHead
from ...exceptions import BadResponse
from ..declared_length import DeclaredLength
from ..frames import FRAME, FrameMaker
from ..response import bodyless, checked_headers
from ..view_watch import ViewClock
from .clients import Client
from .frame_sender import FrameSender
from .retrying_broker import AsyncRetryingBroker

logger = logging.getLogger("queueproxy.worker")


class Stage(Enum):
    """How far an answer is."""

    NOTHING = "nothing has come"
    HEAD = "the head has come, and it is not known whether a stream follows"
    WHOLE = "its body is put together"
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
    """

    def __init__(
        self,
        broker: AsyncRetryingBroker,
        slot: Slot,
        claim: Claim,
        head: RequestHead,
        client: Client,
        clock: ViewClock,
    ):
        self.settlement: Settlement | None = None
        self._claim = claim
        self._head = head
        self._frames = FrameMaker(claim)
        self._stage = Stage.NOTHING
        self._status = 0
        self._headers: list[Header] = []
        self._length: int | None = None
        self._whole: list[bytes] = []
        self._declared = DeclaredLength(None)
        self._sender = FrameSender(broker, slot, claim, head, client, clock)

    @property
    def has_begun(self) -> bool:
        """Whether anything has been sent, so that no other answer can be given."""
        return self._stage is Stage.STREAM

    async def take(self, message: dict, is_stream: bool | None) -> None:
        """Take one message of the application (ASGI: ``http.response.start``, then ``.body``).

        Waits while the client is a window behind. Where the answer can't be sent, or ends before
        the application thinks so, `settlement` is there when this returns.

        Args:
            is_stream: whether Django's response is a stream; None where none is known.

        Raises:
            ClientGone: it has left.
        """
        if self._stage is Stage.OVER:
            return
        try:
            if message["type"] == "http.response.start":
                await self._take_head(message, is_stream)
            elif message["type"] == "http.response.body":
                await self._take_body(message.get("body", b""), message.get("more_body", False))
        except BadResponse as error:
            await self.fail(error)

    async def _take_head(self, message: dict, is_stream: bool | None) -> None:
        status = message["status"]
        if not (isinstance(status, int) and 200 <= status <= 599):
            raise BadResponse(f"The view answered with the status {status!r}.")
        told = [(_text(name), _text(value)) for name, value in message.get("headers", ())]
        self._whole.clear()
        self._status = status
        self._headers, self._length = checked_headers(told)
        if bodyless(self._head.method, status):
            await self._send_whole(b"")
        elif is_stream:
            await self._begin_stream()
        else:
            self._stage = Stage.HEAD if is_stream is None else Stage.WHOLE

    async def _take_body(self, data: bytes, more: bool) -> None:
        if self._stage is Stage.NOTHING:
            raise BadResponse("The application sent a body before the head of its answer.")
        if self._stage is Stage.HEAD:
            if more:
                await self._begin_stream()
            else:
                self._stage = Stage.WHOLE
        if self._stage is Stage.STREAM:
            await self._stream(data, more)
            return
        self._whole.append(data)
        if not more:
            body = b"".join(self._whole)
            if self._length is not None and self._length != len(body):
                raise BadResponse(f"Content-Length is {self._length}, the body has {len(body)}.")
            await self._send_whole(body)

    async def _send_whole(self, body: bytes) -> None:
        self._whole.clear()
        for frame in self._frames.whole(self._status, self._headers, body):
            if frame.head.more:
                await self._sender.push(frame)
        self._answered(frame)

    async def _begin_stream(self) -> None:
        self._stage = Stage.STREAM
        self._declared = DeclaredLength(self._length)
        head = self._frames.frame(b"", status=self._status, headers=self._headers, more=True)
        await self._sender.push(head)

    async def _stream(self, data: bytes, more: bool) -> None:
        self._declared.add(data)
        for at in range(0, len(data), FRAME):
            await self._sender.push(self._frames.frame(data[at : at + FRAME], more=True))
        if not more:
            self._declared.end()
            self._answered(self._frames.frame(b""))

    async def fail(self, error: BaseException | None) -> None:
        """End an answer that can't be sent, or has broken off: a client must see that.

        Args:
            error: why; None where that is told already.
        """
        if self._stage is not Stage.STREAM:
            head = self._head
            if error is not None:
                logger.error("%s %s: %s", head.method, head.path, error, exc_info=error)
            self._end(Settlement(self._claim, "bad_response"))
            return
        if error is not None:
            logger.error("A streamed answer broke off", exc_info=error)
        await self._sender.finish()
        self._answered(self._frames.frame(b"", aborted=True))

    def abandon(self) -> None:
        """End an answer that nobody reads any more."""
        self.give_up("abandoned")

    def give_up(self, outcome: str) -> None:
        """End it without a word of the view's; see Settlement."""
        self._end(Settlement(self._claim, outcome))

    def _answered(self, last: Frame) -> None:
        method, seconds = self._head.method, self._frames.seconds
        answered = Settlement(self._claim, "answered", last, method, seconds, self._status)
        self._end(answered)

    def _end(self, settlement: Settlement) -> None:
        self._stage = Stage.OVER
        self.settlement = settlement


def _text(raw: bytes | str) -> str:
    """Read a header's name or value; servers take bytes alone, some agents send text."""
    return raw if isinstance(raw, str) else bytes(raw).decode("latin-1")
