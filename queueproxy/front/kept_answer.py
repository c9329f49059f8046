"""Keeps the frames of one answer until its client takes them; tells how much its worker may send.

The worker of a stream waits for its client: it may be a window ahead of it. That of an answer which
is whole does not: what comes of one counts as taken once it is kept here, in a small part of the
memory or in the spool. Only what finds no room in either has to be waited for.
"""

from collections.abc import Callable

import msgspec

from ..envelopes import Frame, ReplyHead
from .answer_spool import AnswerSpool, SpooledAnswer, SpooledBody
from .memory import FRAME_OVERHEAD, Reservation

SMALL = 64 * 1024  # bytes of the end of an answer that are not worth a file
UNDER_WAY = 128 * 1024  # bytes of a body that are there twice at most while they are sent
ACKNOWLEDGE_EVERY = 256 * 1024  # bytes


class KeptFrame(msgspec.Struct, frozen=True):
    """A frame that counts as taken by its client already; its body may be in the spool."""

    head: ReplyHead
    body: bytes | SpooledBody = b""


class KeptAnswer:
    """What the front has of one answer.

    Attributes:
        taken: bytes of it that count as taken, since its beginning.

    Args:
        memory: counts what is kept there.
        spool: of the front; None for none.
        acknowledge: called when the worker is to be told of `taken`.
        on_cut: called when the answer is to be broken off: its client takes nothing, and its place
            is needed.
    """

    __slots__ = (
        "_acknowledge",
        "_acknowledged",
        "_memory",
        "_on_cut",
        "_spool",
        "_spooled",
        "_whole",
        "taken",
    )

    def __init__(
        self,
        memory: Reservation,
        spool: AnswerSpool | None,
        acknowledge: Callable[[], object],
        on_cut: Callable[[], object],
    ):
        self._memory = memory
        self._spool = spool
        self._spooled: SpooledAnswer | None = None
        self._acknowledge = acknowledge
        self._on_cut = on_cut
        self._whole = False
        self._acknowledged = 0  # bytes that the worker knows of
        self.taken = 0

    def keep(self, frame: Frame) -> Frame | KeptFrame:
        """Keep a frame that has come; it as it is kept."""
        head, size = frame.head, len(frame.body)
        if head.seq == 0:
            self._whole = head.whole or not head.more
        small = size <= SMALL and not head.more
        if not self._whole or small or self._memory.has_room_for_answer(size):
            self._memory.add_answer(size + FRAME_OVERHEAD)
            return self._counted(KeptFrame(head, frame.body)) if self._whole else frame
        body = self._in_spool(frame.body)
        if body is None:
            self._memory.add_answer(size + FRAME_OVERHEAD)
            return frame
        self._memory.add_answer(FRAME_OVERHEAD)
        return self._counted(KeptFrame(head, body))

    def _in_spool(self, body: bytes) -> SpooledBody | None:
        if self._spool is None:
            return None
        if self._spooled is None:
            self._spooled = SpooledAnswer(self._spool, self._on_cut)
        return self._spooled.keep(body)

    def _counted(self, frame: KeptFrame) -> KeptFrame:
        self._count(frame)
        return frame

    def _count(self, frame: Frame | KeptFrame) -> None:
        self.taken += len(frame.body)
        if frame.head.more and self.taken - self._acknowledged >= ACKNOWLEDGE_EVERY:
            self._acknowledged = self.taken
            self._acknowledge()

    def begin(self, frame: Frame | KeptFrame) -> None:
        """Note that a frame goes to the client: until it is taken, some of it is there twice."""
        self._memory.add_answer(min(len(frame.body), UNDER_WAY))

    def touch(self) -> None:
        """Note that the client takes some of it."""
        self._memory.touch()
        if self._spooled is not None:
            self._spooled.touch()

    def end(self, frame: Frame | KeptFrame) -> None:
        """Note that the client has taken a frame."""
        body, size = frame.body, len(frame.body)
        spooled = isinstance(body, SpooledBody)
        self._memory.take_answer(FRAME_OVERHEAD + min(size, UNDER_WAY) + (0 if spooled else size))
        if isinstance(body, SpooledBody) and self._spooled is not None:
            self._spooled.taken(body)
        if not isinstance(frame, KeptFrame):
            self._count(frame)

    def close(self) -> None:
        """Give back what is in the spool; the memory is its reservation's."""
        if self._spooled is not None:
            self._spooled.close()
