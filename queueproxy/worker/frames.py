"""Makes the reply frames of one answer; no I/O here."""

import time
from collections.abc import Iterator

from ..broker.claims import Claim
from ..envelopes import Frame, ReplyHead
from .response import CheckedAnswer

FRAME = 1024 * 1024  # bytes of body in one frame of an answer that is whole
STREAM_FRAME = 256 * 1024  # in one of a stream


class FrameMaker:
    """Numbers the frames of the answer to one claim. Its timer starts when it is made.

    Args:
        claim: what is answered.
        worker: id of this process.
    """

    def __init__(self, claim: Claim, worker: str = ""):
        self._claim = claim
        self._worker = worker
        self._began = time.perf_counter()
        self._seq = 0
        self.first_byte = 0.0  # seconds until the first frame was made; 0 while there is none

    @property
    def seconds(self) -> float:
        """Time since it was made."""
        return time.perf_counter() - self._began

    def frame(
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
        if first:
            self.first_byte = self.seconds
        told = answer if first else None
        head = ReplyHead(
            id=self._claim.id,
            attempt=self._claim.attempt,
            seq=seq,
            status=told.status if told is not None else 0,
            headers=told.headers if told is not None else [],
            more=more,
            aborted=aborted,
            whole=whole and first,
            wait_ms=float(self._claim.waited_ms) if first else 0.0,
            run_ms=round(self.first_byte * 1000, 3) if first else 0.0,
            worker=self._worker if first else "",
        )
        return Frame(head, body)

    def whole(self, answer: CheckedAnswer, body: bytes) -> Iterator[Frame]:
        """Make all frames of an answer whose body is known, one by one."""
        if len(body) > FRAME and answer.length is None:  # of one frame its front can tell it
            length = ("Content-Length", str(len(body)))
            answer = answer._replace(headers=[*answer.headers, length])
        at = 0
        while len(body) - at > FRAME:
            yield self.frame(body[at : at + FRAME], answer, more=True, whole=True)
            at += FRAME
        yield self.frame(body[at:], answer)


class BlockFrames:
    """Makes the frames of an answer that is whole, and whose body comes in blocks.

    Args:
        maker: of the answer's frames.
        answer: the first frame tells of it.
    """

    def __init__(self, maker: FrameMaker, answer: CheckedAnswer):
        self._maker = maker
        self._answer = answer
        self._ahead: list[bytes] = []  # not in a frame yet: the last one travels with settling
        self._size = 0  # bytes of that

    def add(self, data: bytes) -> Iterator[Frame]:
        """Take a block; the frames that are to be sent now."""
        for at in range(0, len(data), FRAME):
            piece = data[at : at + FRAME]
            if self._size + len(piece) > FRAME:
                yield from self.rest()
            self._ahead.append(piece)
            self._size += len(piece)

    def rest(self) -> Iterator[Frame]:
        """Make a frame, not the last, of what is in none yet."""
        if self._ahead:
            yield self._maker.frame(self._taken(), self._answer, more=True, whole=True)

    def last(self) -> Frame:
        """Make the last frame, at the end of the body."""
        return self._maker.frame(self._taken(), self._answer)

    def _taken(self) -> bytes:
        body = b"".join(self._ahead)
        self._ahead, self._size = [], 0
        return body
