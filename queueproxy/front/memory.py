"""Limits the memory of one front: one budget for all that grows with its clients (P8).

Two kinds of bytes are counted, before they are kept. *Requests*: heads, and bodies as they are
read. *Answers*: frames that came for a client and that it has not taken. Requests may use three
quarters of the budget, those whose bodies are still read half of it, so that a crowd of uploads
that stall keeps nobody else out. Answers may use whatever is free; where room is missing while they
have more than their quarter, the client that keeps the most for the longest is cut. Answers that
are whole use a small part of it and go to the spool past that (see answer_spool.py).
"""

from collections.abc import Callable
from time import monotonic
from typing import Self

from ..asgi_types import Scope

BODIES_SHARE = 1 / 2  # of the budget, up to which bodies are read on
REQUESTS_SHARE = 3 / 4  # of the budget, up to which requests are held
WHOLE_SHARE = 1 / 8  # of the budget, up to which answers that are whole stay out of the spool
WHOLE_MOST = 4 * 1024 * 1024  # bytes of one that stay out of it
PIECE_OVERHEAD = 64  # bytes that Python adds to each piece of a body
HEADER_OVERHEAD = 192  # bytes that Python adds to each header: a list's place, a tuple, its strings
FRAME_OVERHEAD = 1024  # bytes of a frame beside its body


class MemoryBudget:
    """Bounds what one front may keep for its clients. Used on the front's event loop only.

    Args:
        size: bytes, over all reservations.
        clock: seconds.
    """

    def __init__(self, size: int, clock: Callable[[], float] = monotonic):
        self.size = size
        self.clock = clock
        self.requests = 0  # bytes
        self.answers = 0  # bytes
        self.waited_for: set[Reservation] = set()  # those with an answer not taken

    def reservation(self) -> "Reservation":
        """Make an empty reservation, for one request; enter it, so that it is given back."""
        return Reservation(self)

    def reserve(self, size: int, share: float) -> bool:
        """Count so many bytes of a request; nothing is counted where there is no room.

        Args:
            size: bytes.
            share: of the budget, which requests may not pass by it.
        """
        if self.requests + size > self.size * share:
            return False
        self.requests += size
        self.make_room()
        return True

    def room(self, share: float) -> int:
        """Bytes of requests that fit in now.

        Args:
            share: as for `reserve`.
        """
        return max(0, int(self.size * share) - self.requests)

    def make_room(self) -> None:
        """Cut clients until no more is used than there is, whoever keeps most of it first."""
        while self.requests + self.answers > self.size and self.waited_for:
            now = self.clock()
            max(self.waited_for, key=lambda its: its.cost(now)).cut()


class Reservation:
    """The bytes of one request and its answer; gives all of them back however its block ends.

    Attributes:
        on_cut: called once, when the budget needs the place of an answer that its client does not
            take: the answer is to be broken off and dropped.
    """

    __slots__ = ("_answer", "_budget", "_request", "_taken_at", "on_cut")

    def __init__(self, budget: MemoryBudget):
        self._budget = budget
        self._request = 0  # bytes
        self._answer = 0  # bytes
        self._taken_at = 0.0  # when its client last took something, or began to be waited for
        self.on_cut: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def keep(self, size: int, share: float = REQUESTS_SHARE) -> bool:
        """Grow by so many bytes of the request; False where there is no room for them."""
        if not self._budget.reserve(size, share):
            return False
        self._request += size
        return True

    def drop(self, size: int) -> None:
        """Shrink by so many bytes of the request."""
        self._request -= size
        self._budget.requests -= size

    def has_room_for_answer(self, size: int) -> bool:
        """Whether so many bytes more of an answer that is whole may stay out of the spool."""
        budget = self._budget
        fits = budget.answers + size <= budget.size * WHOLE_SHARE
        return fits and self._answer + size <= WHOLE_MOST

    def add_answer(self, size: int) -> None:
        """Grow by so many bytes of the answer; may cut this client or another."""
        if not self._answer:
            self._taken_at = self._budget.clock()
            self._budget.waited_for.add(self)
        self._answer += size
        self._budget.answers += size
        self._budget.make_room()

    def take_answer(self, size: int) -> None:
        """Shrink by so many bytes of the answer, which the client has taken."""
        size = min(size, self._answer)  # nothing is left of what was cut
        self._answer -= size
        self._budget.answers -= size
        self._taken_at = self._budget.clock()
        if not self._answer:
            self._budget.waited_for.discard(self)

    def touch(self) -> None:
        """Note that its client takes some of what waits for it."""
        self._taken_at = self._budget.clock()

    def cost(self, now: float) -> float:
        """What its client costs: bytes not taken, times the seconds since it last took any.

        By bytes alone a quick client whose answer has just come would go for a stalled one.
        """
        return self._answer * (now - self._taken_at)

    def cut(self) -> None:
        """Give the answer up."""
        self.take_answer(self._answer)
        if self.on_cut is not None:
            self.on_cut()

    def release(self) -> None:
        """Give everything back."""
        self.drop(self._request)
        self.take_answer(self._answer)


def head_size(scope: Scope) -> int:
    """Estimate the bytes that holding a request's head takes, as the server and the broker have it.

    Args:
        scope: of ASGI.
    """
    headers = scope["headers"]
    size = len(scope["raw_path"] or b"") + len(scope["query_string"])
    size += sum([len(name) + len(value) for name, value in headers])
    return 2 * size + HEADER_OVERHEAD * len(headers)
