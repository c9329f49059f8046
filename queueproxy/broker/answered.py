"""Notes answered requests, so that one is found by its id for a while after it has gone.

A note has the route and the times, nothing of a person: no path, no header, no address. It travels
with what a worker thread reports to the statistics anyway (scripts/add_counts.lua). What a front
has answered itself it tells once a second, where there is any (scripts/tell_refused.lua).
"""

from collections import deque
from typing import Annotated

import msgspec
import msgspec.structs

from ..route_table import OPS_QUEUE
from .claims import Settlement

ORDINARY, NOTABLE = "ordinary", "notable"  # the two lists: notable ones stay longer on a busy site
KINDS = (ORDINARY, NOTABLE)
REFUSED = "refused"  # a list of its own: what fronts have answered themselves
SLOW = 1.0  # seconds from the queue to the end, from which on a request is notable
# ms; what is beyond, a stranger wrote: it would fit into no date.
Time = Annotated[int, msgspec.Meta(ge=0, le=10**14)]
Length = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
MOST_OF_A_REPORT = 2000  # the newest; a script takes about 8000 values at once
ENDS = frozenset(("answered", "abandoned"))  # of others a dead letter is kept, or they run again
LEFT = "left"  # the outcome that a front tells where its client has gone


class AnsweredRequest(msgspec.Struct, frozen=True, array_like=True):
    """One request that is over; in the broker it is a JSON array in this order.

    Attributes:
        outcome: ``answered``, or ``abandoned`` where its client left before. What a front tells has
            LEFT, or the sentence that it has answered; of the rest it knows status, queue, sent,
            ran_ms (until it answered, or its client left) and worker (the front).
        sent: when its front took it in: ms of the front's clock.
        entry: of its queue; begins with the time (ms, the broker's clock) when it was put there.
        waited_ms: from there until the last claim of it.
        first_byte_ms, ran_ms: from that claim until its answer began, and until that was whole;
            first_byte_ms is 0 where nothing of it was sent.
        attempt: 1 where it was started once.
    """

    request_id: str
    method: str
    route: str
    queue: str
    status: int
    outcome: str
    sent: Time
    entry: str
    waited_ms: Length
    first_byte_ms: Length
    ran_ms: Length
    attempt: int
    worker: str = ""
    release: str = ""

    @classmethod
    def of_front(
        cls, front: str, request_id: str, method: str, status: int, outcome: str, at: int
    ) -> "AnsweredRequest":
        """Make a front's own note of a request that it has not put on a queue.

        Args:
            front: its id.
            at: when it has answered: ms of its clock.
        """
        return cls(request_id, method, "", "", status, outcome, at, "", 0, 0, 0, 0, front)

    def from_queue(self, queue: str, sent: int) -> "AnsweredRequest":
        """Return the note of a front as that of a request that was on a queue.

        Args:
            sent: when it was taken in: ms of the front's clock.
        """
        passed = max(0, self.sent - sent)
        return msgspec.structs.replace(self, queue=queue, sent=sent, ran_ms=passed)

    @property
    def kind(self) -> str:
        """Which list it stands in."""
        slow = self.waited_ms + self.ran_ms >= SLOW * 1000
        failed = self.status >= 500 or self.outcome != "answered" or self.attempt > 1
        return NOTABLE if slow or failed else ORDINARY


encoded = msgspec.json.Encoder().encode
decode_answered = msgspec.json.Decoder(AnsweredRequest).decode


class AnsweredNotes:
    """Collects notes until they are reported; not thread-safe.

    Args:
        kept: how many the broker keeps of each kind (KEEP_ANSWERED); 0 for none.
    """

    def __init__(self, kept: int):
        self.kept = kept
        self._settled: deque[AnsweredRequest] = deque(maxlen=min(kept, MOST_OF_A_REPORT))

    def __bool__(self) -> bool:
        return bool(self._settled)

    def add(self, settlement: Settlement) -> None:
        """Note a request that is over."""
        claim, head = settlement.claim, settlement.head
        if not self.kept or head is None or settlement.outcome not in ENDS:
            return
        if claim.queue == OPS_QUEUE:  # the page about the queue: its polls would push out the rest
            return
        times = (round(settlement.first_byte * 1000), round(settlement.ran * 1000))
        note = AnsweredRequest(
            head.request_id,
            head.method,
            settlement.route,
            claim.queue,
            settlement.status,
            settlement.outcome,
            head.sent,
            claim.entry,
            claim.waited_ms,
            *times,
            claim.attempt,
        )
        self._settled.append(note)

    def take(self, worker: str, release: str) -> dict[str, list[bytes]]:
        """Hand out the notes by kind, oldest first, and forget them.

        Args:
            worker: id of the process.
            release: its name; empty for none.
        """
        notes: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
        for note in self._settled:
            told = msgspec.structs.replace(note, worker=worker, release=release)
            notes[note.kind].append(encoded(told))
        self._settled.clear()
        return notes
