"""Turns what Django answered into reply frames and sends them under the lease."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from ..broker.claims import Claim, Settlement
from ..envelopes import Frame, ReplyHead, RequestHead
from ..exceptions import BadResponse, ClientGone, StreamEnded
from .exchange import Exchange
from .response import CheckedAnswer, ends_with_drain
from .retrying_broker import RetryingBroker
from .view_watch import ViewClock

logger = logging.getLogger("queueproxy.worker")

FRAME = 1024 * 1024  # bytes of body in one frame of an answer that is whole
STREAM_FRAME = 256 * 1024  # in one of a stream
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
    """

    def __init__(self, broker: RetryingBroker, claim: Claim, head: RequestHead, clock: ViewClock):
        self._broker = broker
        self._claim = claim
        self._head = head
        self._clock = clock
        self._began = time.perf_counter()
        self._seq = 0
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
            return Settlement(self._claim, "abandoned")
        except BadResponse as error:
            head = self._head
            logger.error("%s %s: %s", head.method, head.path, error, exc_info=True)
            return Settlement(self._claim, "bad_response")
        return Settlement(
            self._claim, "answered", last, self._head.method, self._seconds(), answer.status
        )

    def _send_body(self, answer: CheckedAnswer, body: bytes) -> Frame:
        at = 0
        if len(body) > FRAME and answer.length is None:  # of one frame its front can tell it
            length = ("Content-Length", str(len(body)))
            answer = answer._replace(headers=[*answer.headers, length])
        while len(body) - at > FRAME:
            self._push_whole(answer, body[at : at + FRAME])
            at += FRAME
        return self._frame(body[at:], answer)

    def _send_file(self, exchange: Exchange, answer: CheckedAnswer) -> Frame:
        """Send a file, which no view makes, as an answer that is whole."""
        ahead: list[bytes] = []  # read and not sent: the last frame travels with settling

        def take(data: bytes) -> None:
            for at in range(0, len(data), FRAME):
                piece = data[at : at + FRAME]
                if sum(map(len, ahead)) + len(piece) > FRAME:
                    self._push_whole(answer, b"".join(ahead))
                    ahead.clear()
                ahead.append(piece)

        if exchange.stream(take):
            return self._frame(b"".join(ahead), answer)
        if ahead:
            self._push_whole(answer, b"".join(ahead))
        return self._frame(b"", answer, aborted=True)

    def _push_whole(self, answer: CheckedAnswer, body: bytes) -> None:
        self._window = WHOLE_WINDOW
        self._push(self._frame(body, answer, more=True, whole=True))

    def _send_stream(self, exchange: Exchange, answer: CheckedAnswer) -> Frame:
        self._ends = ends_with_drain(answer)
        self._push(self._frame(b"", answer, more=True))
        complete = exchange.stream(self._push_piece, self._watched)
        return self._frame(b"", answer, aborted=not complete)  # a client must see that it broke off

    def _push_piece(self, data: bytes) -> None:
        for at in range(0, len(data), STREAM_FRAME):
            if self._ends and self._broker.streams_end:
                raise StreamEnded
            self._push(self._frame(data[at : at + STREAM_FRAME], more=True))

    def _watched(self, end: Callable[[Exception], object]) -> AbstractContextManager:
        return self._broker.watch_client(self._claim, end, ends=self._ends)

    def _frame(
        self,
        body: bytes,
        answer: CheckedAnswer | None = None,
        *,
        more: bool = False,
        aborted: bool = False,
        whole: bool = False,
    ) -> Frame:
        """Make the next frame; the first tells of the `answer`."""
        seq, self._seq = self._seq, self._seq + 1
        first = seq == 0
        head = ReplyHead(
            id=self._claim.id,
            attempt=self._claim.attempt,
            seq=seq,
            status=answer.status if first else 0,
            headers=answer.headers if first else [],
            more=more,
            aborted=aborted,
            whole=whole and first,
            wait_ms=float(self._claim.waited_ms) if first else 0.0,
            run_ms=round(self._seconds() * 1000, 3) if first else 0.0,
        )
        return Frame(head, body)

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
        self._taken = self._broker.wait_for_client(self._claim, before, LOOK_AGAIN, ends=self._ends)
        if self._taken == before and not self._broker.wanted(self._claim):
            raise ClientGone

    def _seconds(self) -> float:
        return time.perf_counter() - self._began
