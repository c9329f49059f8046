"""Notes what of a request its front alone knows: its own answers, and whose client has left.

So people find it by the id on the error page, and are told what its client has got.
"""

import time
from collections import deque

from ..broker.answered import LEFT, AnsweredRequest, encoded
from ..broker.encoded_request import EncodedRequest
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

    def add(
        self,
        request_id: str,
        method: str,
        refusal: Refusal,
        request: EncodedRequest | None = None,
    ) -> None:
        """Note an answer of 502, 503 or 504; for others the client is to blame.

        Args:
            request: as it was put on its queue; None where it was not.
        """
        if refusal.status in LOGGED:
            self._add(request_id, method, refusal.status, refusal.detail, request)

    def left(self, request_id: str, method: str, request: EncodedRequest) -> None:
        """Note that the client of a request has left before the end of its answer."""
        self._add(request_id, method, 0, LEFT, request)

    def _add(
        self, id: str, method: str, status: int, outcome: str, request: EncodedRequest | None
    ) -> None:
        if not self.kept:
            return
        now = int(time.time() * 1000)
        note = AnsweredRequest.of_front(self._front, id, method, status, outcome, now)
        if request is not None:
            note = note.from_queue(request.queue, request.sent)
        self._notes.append(note)

    def take(self) -> list[bytes]:
        """Hand out the notes, oldest first, and forget them."""
        notes = [encoded(note) for note in self._notes]
        self._notes.clear()
        return notes
