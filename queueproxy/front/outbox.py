"""Decides what goes to the broker next, in bounded pieces; the twin of the inbox. No I/O.

Each kind of traffic has a method that returns the next piece, if there is one, and methods that say
how it went. At most one piece of a kind is under way.

Every request is numbered once. A batch that may have arrived keeps its numbers and its requests,
and is sent again until the broker has certainly taken it: the broker takes a number only once. What
it certainly did not take goes back to the head of the waiting.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec.structs

from ..broker.front_broker import Why
from ..broker.replies import PiecesWanted
from .held_request import DeliveryState, HeldRequest

BATCH_REQUESTS = 64
BATCH_BYTES = 1 << 20  # a batch ends with the request that reaches it
IDS_AT_ONCE = 1000
PIECES_AT_ONCE = 2

UNSENT = "unsent"  # what became of a withdrawn request that the broker never had


class Batch(NamedTuple):
    """Requests that go to the broker in one trip, numbered upward from `first`."""

    first: int
    held: list[HeldRequest]


class _Withdrawal(NamedTuple):
    why: Why
    waiting: list[asyncio.Future[str]]


class Acknowledgements:
    """Counts the bytes of streams that clients have taken, for their workers to be told.

    All count from the beginning of an answer: to say one again, or an old one late, does no harm.
    """

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def add(self, id: str, taken: int) -> None:
        """Let a stream's worker know how many bytes its client has taken so far."""
        self._taken[id] = max(taken, self._taken.get(id, 0))

    def next(self) -> list[tuple[str, int]]:
        """Take some streams and the bytes of each; where sending them fails, give them back."""
        ids = list(islice(self._taken, IDS_AT_ONCE))
        return [(id, self._taken.pop(id)) for id in ids]

    def failed(self, acknowledgements: Iterable[tuple[str, int]]) -> None:
        """Take back what may not have arrived; newer ones stand."""
        for id, taken in acknowledgements:
            self.add(id, taken)


class Pieces:
    """Pieces of bodies that workers want, by request; each in turn, a few at a time."""

    def __init__(self) -> None:
        self._wanted: dict[str, PiecesWanted] = {}  # in order

    def add(self, wanted: PiecesWanted) -> None:
        """Put what a worker wants behind the others; with what it wants already, if anything."""
        before = self._wanted.pop(wanted.id, None)
        if before and _same_attempt(before, wanted):
            first, upto = min(before.first, wanted.first), max(before.upto, wanted.upto)
            wanted = msgspec.structs.replace(wanted, first=first, upto=upto)
        self._wanted[wanted.id] = wanted

    def next(self) -> PiecesWanted | None:
        """Take out the next few; the rest of what that worker wants comes behind the others."""
        if not self._wanted:
            return None
        wanted = self._wanted.pop(next(iter(self._wanted)))
        upto = min(wanted.upto, wanted.first + PIECES_AT_ONCE)
        if upto < wanted.upto:
            self._wanted[wanted.id] = msgspec.structs.replace(wanted, first=upto)
        return msgspec.structs.replace(wanted, upto=upto)

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def failed(self, wanted: PiecesWanted) -> None:
        """Take back what may not have arrived, unless the next attempt has asked meanwhile."""
        now = self._wanted.get(wanted.id)
        if now is None or _same_attempt(now, wanted):
            self.add(wanted)

    def over(self, wanted: PiecesWanted) -> None:
        """Forget what an attempt wants; what the next one wants stands."""
        now = self._wanted.get(wanted.id)
        if now is not None and _same_attempt(now, wanted):
            self.drop(wanted.id)

    def drop(self, id: str) -> None:
        """Forget what is wanted of a request, by whichever attempt."""
        self._wanted.pop(id, None)


def _same_attempt(one: PiecesWanted, other: PiecesWanted) -> bool:
    return (one.entry, one.attempt) == (other.entry, other.attempt)


class Outbox:
    """Requests and withdrawals on their way to the broker; beside them what needs no order."""

    def __init__(self) -> None:
        self._waiting: deque[HeldRequest] = deque()
        self._batch: list[HeldRequest] = []  # numbered, not known to be taken
        self._next_number = 1  # of the first in the batch
        self._uncertain = False  # the batch may have arrived
        self._refused: list[HeldRequest] = []  # of the batch, to be sent anew behind it
        self._withdrawals: dict[str, _Withdrawal] = {}
        self.acknowledgements = Acknowledgements()
        self.pieces = Pieces()

    # Requests.

    def add(self, held: HeldRequest) -> None:
        """Put a request behind those that wait to be sent."""
        self._waiting.append(held)

    def next_batch(self) -> Batch | None:
        """Number the next requests, or return the batch that is not known to be taken."""
        if not self._batch:
            self._fill_batch()
        return Batch(self._next_number, self._batch) if self._batch else None

    def _fill_batch(self) -> None:
        room = BATCH_BYTES
        while self._waiting and len(self._batch) < BATCH_REQUESTS and room > 0:
            held = self._waiting.popleft()
            room -= len(held.request.body) + len(held.request.head)
            held.state = DeliveryState.SENT
            held.times_sent += 1
            self._batch.append(held)

    def batch_taken(self) -> None:
        """Note that the broker has taken the batch."""
        for held in self._batch:
            held.state = DeliveryState.QUEUED
            if held.on_taken is not None:
                held.on_taken()
        self._next_number += len(self._batch)
        for held in self._refused:
            self._put_back(held)
        self._batch, self._uncertain, self._refused = [], False, []

    def batch_not_taken(self) -> None:
        """Note that the broker did not take the batch this time; it may have before."""
        if self._uncertain:
            return
        batch, self._batch = self._batch, []
        for held in batch:
            held.state = DeliveryState.PENDING
            held.times_sent -= 1
        self._wait_first(held for held in batch if not self._drop_withdrawn(held))

    def batch_uncertain(self) -> None:
        """Note that it is not known whether the broker has taken the batch."""
        self._uncertain = True

    def confirm(self, taken: int) -> None:
        """Note the number of the last request the broker has taken, as it says itself.

        A batch behind it may be on its way still, on a connection that broke: it stays uncertain.
        """
        if self._batch and taken >= self._next_number + len(self._batch) - 1:
            self.batch_taken()

    def restart(self, taken: int, again: Iterable[HeldRequest]) -> None:
        """Number anew, after the broker and the front have compared what they hold.

        Args:
            taken: the last number the broker knows.
            again: what it has lost and is to be sent once more, before all else.
        """
        self._next_number = taken + 1
        self._batch, self._uncertain, self._refused = [], False, []
        for held in (again := list(again)):
            held.state = DeliveryState.PENDING
        self._wait_first(again)

    def send_anew(self, held: HeldRequest) -> None:
        """Send a request again that was refused unrun, behind its batch if that is on its way."""
        if any(one is held for one in self._batch):
            self._refused.append(held)
        else:
            self._put_back(held)

    def _put_back(self, held: HeldRequest) -> None:
        if held.withdrawn or held.finished:
            return
        held.state = DeliveryState.PENDING
        held.times_sent -= 1  # this once does not count: see HeldRequest.may_have_run
        self._waiting.append(held)

    def _wait_first(self, held_requests: Iterable[HeldRequest]) -> None:
        self._waiting.extendleft(reversed(list(held_requests)))

    # Withdrawals.

    def withdraw(self, held: HeldRequest, why: Why, done: asyncio.Future[str]) -> None:
        """Withdraw a held request; `done` is given what became of it."""
        held.withdrawn = True
        if held.state is not DeliveryState.PENDING:
            if held.state is DeliveryState.SENT:
                # Should its batch be sent again, no worker starts it before the withdrawal comes.
                held.request = held.request.within(0)
            self.withdraw_id(held.request.id, why, done)
            return
        if held in self._waiting:
            self._waiting.remove(held)
        done.set_result(UNSENT)

    def withdraw_id(self, id: str, why: Why, done: asyncio.Future[str]) -> None:
        """Withdraw a request that may have been sent, by its id."""
        self._withdrawals.setdefault(id, _Withdrawal(why, [])).waiting.append(done)

    def next_withdrawals(self) -> tuple[Why, list[str]] | None:
        """Take out some ids to withdraw for one reason.

        Those in the batch come once it is taken: a withdrawal that overtakes its request on the
        way to the broker would do nothing.
        """
        if not self._withdrawals:
            return None
        not_yet = {held.request.id for held in self._batch}
        ready = ((id, its.why) for id, its in self._withdrawals.items() if id not in not_yet)
        first = next(ready, None)
        if first is None:
            return None
        id, why = first
        return why, [id, *islice((other for other, its in ready if its == why), IDS_AT_ONCE - 1)]

    def withdrawals_done(self, ids: Sequence[str], fates: Sequence[str]) -> None:
        """Note what became of the requests withdrawn."""
        for id, fate in zip(ids, fates, strict=True):
            self._resolve_withdrawal(id, fate)

    def _resolve_withdrawal(self, id: str, fate: str) -> None:
        for done in self._withdrawals.pop(id).waiting:
            if not done.done():
                done.set_result(fate)

    def _drop_withdrawn(self, held: HeldRequest) -> bool:
        """Return whether a request that came back unsent need not be sent any more."""
        id = held.request.id
        if id in self._withdrawals:
            self._resolve_withdrawal(id, UNSENT)
        return held.withdrawn
