"""Turns what Django answered into reply frames and sends them under the lease."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from ..broker.claims import Claim, Settlement
from ..envelopes import Frame, RequestHead
from ..exceptions import BadResponse, ClientGone, StreamEnded
from .exchange import Exchange
from .frames import STREAM_FRAME, BlockFrames, FrameMaker
from .last_word import NOT_STARTED, Start
from .response import CheckedAnswer, ends_with_drain
from .retrying_broker import RetryingBroker
from .view_watch import ViewClock

logger = logging.getLogger("queueproxy.worker")

WINDOW = 1024 * 1024  # bytes of a stream ahead of its client; it is heard of in steps of a quarter
WHOLE_WINDOW = 4 * 1024 * 1024  # bytes of an answer that is whole, ahead of its front
LOOK_AGAIN = 5.0  # seconds without news after which it is asked whether anybody still reads


class Reply:
    """Sends the answer to one claim. Make it before the request is run: its timer starts here.

    Args:
        broker: the thread's own.
        claim: what is being answered.
        head: of the request.
        clock: stands still while the answer waits for its client.
        start: of the request, which knows the route it is run by.
    """

    def __init__(
        self,
        broker: RetryingBroker,
        claim: Claim,
        head: RequestHead,
        clock: ViewClock,
        start: Start = NOT_STARTED,
    ):
        self._broker = broker
        self._claim = claim
        self._head = head
        self._clock = clock
        self._start = start
        self._frames = FrameMaker(claim, broker.worker)
        self._frame = self._frames.frame
        self._sent = 0  # bytes
        self._taken = 0  # of them, bytes the client has taken, or its front in its place
        self._window = WINDOW
        self._ends = False  # whether a drain ends it

    def send(self, exchange: Exchange) -> Settlement:
        """Send all frames but the last; the settlement that carries the last.

        Blocks while the client is a window behind. The settlement is ``abandoned`` where the
        client left, ``bad_response`` where the answer cannot be sent; neither carries a frame.
        An answer that is whole waits for its front alone, which keeps what its client hasn't taken.
        """
        try:
            answer = exchange.answer()
            if answer.body is not None:
                last = self._send_body(answer, answer.body)
            elif answer.is_file:
                last = self._send_file(exchange, answer)
            else:
                last = self._send_stream(exchange, answer)
        except ClientGone:
            return self._without_answer("abandoned")
        except BadResponse as error:
            head = self._head
            logger.error("%s %s: %s", head.method, head.path, error, exc_info=True)
            return self._without_answer("bad_response")
        return self._answered(last, answer)

    def whole(self, answer: CheckedAnswer) -> Settlement:
        """Make the settlement that carries an answer of one frame."""
        (frame,) = self._frames.whole(answer, answer.body or b"")
        return self._answered(frame, answer)

    def _answered(self, last: Frame, answer: CheckedAnswer) -> Settlement:
        return Settlement(
            self._claim,
            "answered",
            last,
            self._head.method,
            self._frames.seconds,
            answer.status,
            route=self._start.route,
            head=self._head,
            first_byte=self._frames.first_byte,
        )

    def _without_answer(self, outcome: str) -> Settlement:
        return Settlement(
            self._claim,
            outcome,
            ran=self._frames.seconds,
            route=self._start.route,
            head=self._head,
            first_byte=self._frames.first_byte,
        )

    def _send_body(self, answer: CheckedAnswer, body: bytes) -> Frame:
        for frame in self._frames.whole(answer, body):
            if frame.head.more:
                self._push_whole(frame)
        return frame

    def _send_file(self, exchange: Exchange, answer: CheckedAnswer) -> Frame:
        """Send a file, which no view makes, as an answer that is whole."""
        frames = BlockFrames(self._frames, answer)

        def take(data: bytes) -> None:
            for frame in frames.add(data):
                self._push_whole(frame)

        if exchange.stream(take):
            return frames.last()
        for frame in frames.rest():
            self._push_whole(frame)
        return self._frame(b"", answer, aborted=True)

    def _push_whole(self, frame: Frame) -> None:
        self._window = WHOLE_WINDOW
        self._push(frame)

    def _send_stream(self, exchange: Exchange, answer: CheckedAnswer) -> Frame:
        self._ends = ends_with_drain(answer)
        self._push(self._frame(b"", answer, more=True))
        complete = exchange.stream(self._push_piece, self._watched)
        return self._frame(b"", answer, aborted=not complete)  # a client must see that it broke off

    def _push_piece(self, data: bytes) -> None:
        for at in range(0, len(data), STREAM_FRAME):
            if self._ends and self._broker.flow.streams_end:
                raise StreamEnded
            self._push(self._frame(data[at : at + STREAM_FRAME], more=True))

    def _watched(self, end: Callable[[Exception], object]) -> AbstractContextManager[None]:
        return self._broker.flow.watch_client(self._claim.registration, end, ends=self._ends)

    def _push(self, frame: Frame) -> None:
        self._clock.stop()
        while self._sent - self._taken > self._window:
            self._wait_for_client()
        if not self._broker.push(self._claim, frame):
            raise ClientGone
        self._sent += len(frame.body)
        self._clock.start(self._claim, self._head)

    def _wait_for_client(self) -> None:
        before = self._taken
        self._taken = self._broker.flow.wait_for_client(
            self._claim.registration, before, LOOK_AGAIN, ends=self._ends
        )
        if self._taken == before and not self._broker.wanted(self._claim):
            raise ClientGone
