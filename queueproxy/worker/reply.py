"""Turns what Django answered into reply frames and sends them under the lease."""

import logging

from ..broker.claims import Claim, Settlement
from ..envelopes import Frame, RequestHead
from ..exceptions import BadResponse, ClientGone
from .exchange import Exchange
from .frames import FRAME, FrameMaker
from .response import CheckedAnswer
from .retrying_broker import RetryingBroker
from .view_watch import ViewClock

logger = logging.getLogger("queueproxy.worker")

WINDOW = 1024 * 1024  # bytes sent ahead of the client; it is heard of in steps of a quarter
LOOK_AGAIN = 5.0  # seconds without news after which it is asked whether anybody still reads


class Reply:
    """Sends the answer to one claim. Make it before the request is run: its timer starts here.

    Args:
        broker: the thread's own.
        claim: what is being answered.
        head: of the request.
        clock: stands still while the answer waits for its client.
    """

    def __init__(self, broker: RetryingBroker, claim: Claim, head: RequestHead, clock: ViewClock):
        self._broker = broker
        self._claim = claim
        self._head = head
        self._clock = clock
        self._frames = FrameMaker(claim)
        self._frame = self._frames.frame
        self._sent = 0  # bytes
        self._taken = 0  # of them, bytes the client has taken

    def send(self, exchange: Exchange) -> Settlement:
        """Send all frames but the last; the settlement that carries the last.

        Blocks while the client is a window behind. The settlement is ``abandoned`` where the
        client left, ``bad_response`` where the answer cannot be sent; neither carries a frame.
        """
        try:
            answer = exchange.answer()
            if answer.body is None:
                last = self._send_stream(exchange, answer)
            else:
                last = self._send_body(answer, answer.body)
        except ClientGone:
            return Settlement(self._claim, "abandoned")
        except BadResponse as error:
            head = self._head
            logger.error("%s %s: %s", head.method, head.path, error, exc_info=True)
            return Settlement(self._claim, "bad_response")
        return Settlement(
            self._claim, "answered", last, self._head.method, self._frames.seconds, answer.status
        )

    def _send_body(self, answer: CheckedAnswer, body: bytes) -> Frame:
        for frame in self._frames.whole(answer.status, answer.headers, body):
            if frame.head.more:
                self._push(frame)
        return frame

    def _send_stream(self, exchange: Exchange, answer: CheckedAnswer) -> Frame:
        self._push(self._frame(b"", status=answer.status, headers=answer.headers, more=True))
        complete = exchange.stream(self._push_piece)
        return self._frame(b"", aborted=not complete)  # a client must see that it broke off

    def _push_piece(self, data: bytes) -> None:
        for at in range(0, len(data), FRAME):
            self._push(self._frame(data[at : at + FRAME], more=True))

    def _push(self, frame: Frame) -> None:
        self._clock.stop()
        while self._sent - self._taken > WINDOW:
            self._wait_for_client()
        if not self._broker.push(self._claim, frame):
            raise ClientGone
        self._sent += len(frame.body)
        self._clock.start(self._claim, self._head)

    def _wait_for_client(self) -> None:
        before = self._taken
        self._taken = self._broker.wait_for_client(self._claim, before, LOOK_AGAIN)
        if self._taken == before and not self._broker.wanted(self._claim):
            raise ClientGone
