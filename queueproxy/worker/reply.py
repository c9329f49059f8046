"""Turns what Django answers into reply frames and sends them under the lease."""

import time
from collections.abc import Callable
from typing import Any

from ..broker.worker_broker import Claim, Settlement, WorkerBroker
from ..envelopes import Frame, Header, ReplyHead
from ..exceptions import ClientGone, Fenced

FRAME = 256 * 1024  # bytes of body in one frame
WINDOW = 1024 * 1024  # bytes sent ahead of the client; credit comes in steps of a quarter
LOOK_AGAIN = 5.0  # seconds without credit after which it is asked whether anybody still reads

Finish = Callable[[Settlement, Callable[[], None]], None]
Persist = Callable[[Callable[[], Any]], Any]


class Reply:
    """The answer to one claim; the executor's ``emit``.

    The last frame is not sent but kept as the settlement, which travels with the next claim. The
    response is closed while the broker is at it: its client has not to wait for that.

    Args:
        worker_broker: the thread's place at the broker.
        claim: what is being answered.
        method: of the request, for the counters.
        finish: called with the settlement once the answer is complete, and with what closes the
            response.
        persist: does something until the broker answers. All that is done here may be done twice:
            the front drops a frame that it has had.
    """

    def __init__(
        self,
        worker_broker: WorkerBroker,
        claim: Claim,
        method: str,
        finish: Finish,
        persist: Persist,
    ):
        self._broker = worker_broker
        self._claim = claim
        self._method = method
        self._finish = finish
        self._persist = persist
        self._settlement = Settlement(claim, "abandoned")  # unless the answer comes to its end
        self._began = time.perf_counter()
        self._seq = 0
        self._status = 0
        self._outstanding = 0  # bytes the client has not taken yet

    def full(self, status: int, headers: list[Header], body: bytes) -> None:
        """The whole answer at once: in one frame, or in as many as it fills."""
        first: dict[str, Any] = {"status": status, "headers": headers}
        at = 0
        while len(body) - at > FRAME:
            self._push(self._frame(body[at : at + FRAME], more=True, **first))
            at, first = at + FRAME, {}
        self._settle(self._frame(body[at:], **first))

    def start(self, status: int, headers: list[Header]) -> None:
        """Status and headers of an answer whose body follows."""
        self._push(self._frame(b"", status=status, headers=headers, more=True))

    def chunk(self, data: bytes) -> None:
        """A piece of the body; blocks while the client is a window behind.

        Raises:
            ClientGone: nobody reads this answer.
        """
        for at in range(0, len(data), FRAME):
            self._push(self._frame(data[at : at + FRAME], more=True))

    def end(self) -> None:
        """The body is complete."""
        self._settle(self._frame(b""))

    def abort(self) -> None:
        """The body broke off; the client must see it."""
        self._settle(self._frame(b"", aborted=True))

    def finish(self, close: Callable[[], None]) -> None:
        """Nothing more comes: send what there is, and close the response."""
        self._finish(self._settlement, close)

    def _frame(self, body: bytes, *, status=0, headers=None, more=False, aborted=False) -> Frame:
        seq, self._seq = self._seq, self._seq + 1
        first = seq == 0
        self._status = status if first else self._status
        head = ReplyHead(
            id=self._claim.id,
            attempt=self._claim.attempt,
            seq=seq,
            status=status,
            headers=headers or [],
            more=more,
            aborted=aborted,
            wait_ms=float(self._claim.waited_ms) if first else 0.0,
            run_ms=round(self._seconds() * 1000, 3) if first else 0.0,
        )
        return Frame(head, body)

    def _push(self, frame: Frame) -> None:
        while self._outstanding > WINDOW:
            self._outstanding -= self._persist(self._credit)
        try:
            read = self._persist(lambda: self._broker.push(self._claim, frame))
        except Fenced:
            read = False
        if not read:
            raise ClientGone
        self._outstanding += len(frame.body)

    def _credit(self) -> int:
        taken = self._broker.credit(self._claim, LOOK_AGAIN)
        if not taken and not self._broker.wanted(self._claim):
            raise ClientGone
        return taken

    def _settle(self, frame: Frame) -> None:
        self._settlement = Settlement(
            self._claim, "answered", frame, self._method, self._seconds(), self._status
        )

    def _seconds(self) -> float:
        return time.perf_counter() - self._began
