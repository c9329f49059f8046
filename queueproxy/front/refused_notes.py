"""Notes what the front has answered itself, so that people find it by the id on the error page."""

import time
from collections import deque

from ..broker.answered import AnsweredRequest, encoded
from .http.refusals import LOGGED, Refusal

MOST_AT_ONCE = 500  # the newest since the broker was told last, a second ago


class RefusedNotes:
    """Collects notes until the broker is told of them.

    Attributes:
        kept: how many the broker keeps (KEEP_ANSWERED); 0 for none.

    Args:
        kept: the same.
        front: id of the front that answers.
    """

    def __init__(self, kept: int, front: str) -> None:
        self.kept = kept
        self._front = front
        self._notes: deque[AnsweredRequest] = deque(maxlen=MOST_AT_ONCE)

    def add(self, request_id: str, method: str, refusal: Refusal) -> None:
        """Note an answer of 502, 503 or 504; for others the client is to blame."""
        if self.kept and refusal.status in LOGGED:
            now = int(time.time() * 1000)
            note = AnsweredRequest.refused(
                request_id, method, refusal.status, refusal.detail, now, self._front
            )
            self._notes.append(note)

    def take(self) -> list[bytes]:
        """Hand out the notes, oldest first, and forget them."""
        notes = [encoded(note) for note in self._notes]
        self._notes.clear()
        return notes
