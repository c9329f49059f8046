"""Makes the reply frames of one answer; no I/O here."""

import time
from collections.abc import Iterator
from typing import Any

from ..broker.claims import Claim
from ..envelopes import Frame, Header, ReplyHead

FRAME = 256 * 1024  # bytes of body in one frame


class FrameMaker:
    """Numbers the frames of the answer to one claim. Its timer starts when it is made."""

    def __init__(self, claim: Claim):
        self._claim = claim
        self._began = time.perf_counter()
        self._seq = 0

    @property
    def seconds(self) -> float:
        """Time since it was made."""
        return time.perf_counter() - self._began

    def frame(
        self,
        body: bytes,
        *,
        status: int = 0,
        headers: list[Header] | None = None,
        more: bool = False,
        aborted: bool = False,
    ) -> Frame:
        """Make the next frame; the first is to have status and headers, as `ReplyHead` says."""
        seq, self._seq = self._seq, self._seq + 1
        first = seq == 0
        head = ReplyHead(
            id=self._claim.id,
            attempt=self._claim.attempt,
            seq=seq,
            status=status,
            headers=headers or [],
            more=more,
            aborted=aborted,
            wait_ms=float(self._claim.waited_ms) if first else 0.0,
            run_ms=round(self.seconds * 1000, 3) if first else 0.0,
        )
        return Frame(head, body)

    def whole(self, status: int, headers: list[Header], body: bytes) -> Iterator[Frame]:
        """Make all frames of an answer whose body is known, one by one."""
        first: dict[str, Any] = {"status": status, "headers": headers}
        at = 0
        while len(body) - at > FRAME:
            yield self.frame(body[at : at + FRAME], more=True, **first)
            at, first = at + FRAME, {}
        yield self.frame(body[at:], **first)
