"""Keeps on disk what clients have not taken of answers that are whole (P8).

An answer is written piece by piece, in files of at most `SEGMENT` bytes, each closed when its
client has all of it: so a long answer that is taken as it comes never fills the disk.

Where there is no room for more, clients that have taken nothing for a while are cut, whoever keeps
the most for the longest first. Nobody who reads is cut for that: what does not fit then stays in
memory, and its worker waits as for a stream.
"""

from collections.abc import Callable
from time import monotonic

from .spool import Spool, SpoolFile, SpoolFull

SHARE = 1 / 2  # of the spool, for all answers: uploads need the rest
ONE_SHARE = 1 / 4  # of the spool, for one answer
SEGMENT = 32 * 1024 * 1024  # bytes of one file
STALLED = 10.0  # seconds in which a client has taken nothing


class AnswerSpool:
    """Bounds what the answers of one front keep in its spool. Used on its event loop only.

    Attributes:
        used: bytes in their files.

    Args:
        spool: shared with others.
        clock: seconds.
    """

    def __init__(self, spool: Spool, clock: Callable[[], float] = monotonic):
        self.spool = spool
        self.clock = clock
        self.used = 0
        self.answers: set[SpooledAnswer] = set()  # those that keep something

    def make_room(self, size: int) -> bool:
        """Cut clients that take nothing until so many bytes fit; whether they do."""
        while not self._fits(size):
            now = self.clock()
            stalled = [answer for answer in self.answers if now - answer.taken_at > STALLED]
            if not stalled:
                return False
            max(stalled, key=lambda answer: answer.cost(now)).cut()
        return True

    def _fits(self, size: int) -> bool:
        return self.used + size <= self.spool.size * SHARE and self.spool.has_room(size)


class _Segment:
    """One file of an answer.

    Attributes:
        unread: how many bodies in it their client has not taken.
    """

    def __init__(self, file: SpoolFile):
        self.file = file
        self.unread = 0


class SpooledBody:
    """The body of one frame in the spool; a slice of it is read as of bytes.

    Raises:
        OSError: it could not be read.
    """

    __slots__ = ("_offset", "_size", "segment")

    def __init__(self, segment: _Segment, offset: int, size: int):
        self.segment = segment
        self._offset = offset
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        return self.segment.file.read(self._offset + start, max(0, stop - start))


class SpooledAnswer:
    """What one answer keeps in the spool. Close it; closing again does nothing.

    Args:
        spool: of all answers.
        on_cut: called when its place is needed and its client takes nothing: the answer is to be
            broken off and closed.
    """

    def __init__(self, spool: AnswerSpool, on_cut: Callable[[], object]):
        self._spool = spool
        self._on_cut = on_cut
        self._segments: list[_Segment] = []  # the last one is written to
        self._closed = False
        self._size = 0  # bytes in its files
        self.taken_at = spool.clock()  # when its client last took something

    def keep(self, body: bytes) -> SpooledBody | None:
        """Write a body; None where there is no room for it."""
        size, spool = len(body), self._spool
        if self._size + size > spool.spool.size * ONE_SHARE or not spool.make_room(size):
            return None
        if self._closed:  # to make room
            return None
        try:
            segment = self._segment_for(size)
            kept = SpooledBody(segment, segment.file.size, size)
            segment.file.append(body)
        except SpoolFull:
            return None
        if not self._size:
            self.taken_at = spool.clock()  # there was nothing to take
        segment.unread += 1
        self._size += size
        spool.used += size
        spool.answers.add(self)
        return kept

    def _segment_for(self, size: int) -> _Segment:
        if not self._segments or self._segments[-1].file.size + size > SEGMENT:
            self._segments.append(_Segment(self._spool.spool.file()))
        return self._segments[-1]

    def touch(self) -> None:
        """Note that the client takes some."""
        self.taken_at = self._spool.clock()

    def taken(self, body: SpooledBody) -> None:
        """Note that the client has taken all of a body."""
        body.segment.unread -= 1
        if not body.segment.unread and not self._closed:
            self._drop(body.segment)

    def _drop(self, segment: _Segment) -> None:
        self._segments.remove(segment)
        size = segment.file.size
        segment.file.close()
        self._size -= size
        self._spool.used -= size
        if not self._segments:
            self._spool.answers.discard(self)

    def cost(self, now: float) -> float:
        """What its client costs: bytes kept, times the seconds since it last took any."""
        return self._size * (now - self.taken_at)

    def cut(self) -> None:
        """Give the answer up."""
        self.close()
        self._on_cut()

    def close(self) -> None:
        """Give all of it back."""
        self._closed = True
        for segment in list(self._segments):
            self._drop(segment)
