"""Tries each of an executor thread's operations until the broker answers."""

import time
from collections.abc import Callable
from io import BufferedReader
from typing import TypeVar

from ..backoff import Backoff
from ..broker.claims import Claim, Settlement
from ..broker.registration import WorkerRegistration
from ..broker.worker_broker import WorkerBroker
from ..envelopes import Envelope, Frame, pieces_of
from ..exceptions import BrokerUnavailable, Fenced
from .forking import end_forked_child
from .incoming_body import IncomingBody, incoming_body
from .stopping import StopFlag
from .stream_flow import StreamFlow

TELL_AFTER = 2  # failures: a lost connection alone, made anew at once, is no news

T = TypeVar("T")
Meanwhile = Callable[[], None] | None


class Stopped(Exception):
    """The stop came while the broker was away."""


class Attempts:
    """Counts the failures of one operation in a row, and tells of an outage once.

    Args:
        on_away: as of `RetryingBroker`.
    """

    def __init__(self, on_away: Callable[[bool, Exception | None], None]):
        self._backoff = Backoff()
        self._on_away = on_away

    def failed(self, error: BrokerUnavailable) -> float:
        """Note a failure; seconds to wait before the next attempt."""
        delay = self._backoff.failed()
        if self._backoff.failures == TELL_AFTER:
            self._on_away(True, error)
        return delay

    def succeeded(self) -> None:
        """Note that the broker has answered."""
        if self._backoff.failures >= TELL_AFTER:
            self._on_away(False, None)


class RetryingBroker:
    """A thread's WorkerBroker that outlives outages of the broker.

    All that is done here may be done twice: the broker settles a lease once and gives the same
    claim again, the front drops a frame that it has had. Where the broker has given this worker up
    meanwhile, the process registers again: what the thread held has been dealt with, its answer is
    nobody's.

    Attributes:
        flow: of the whole process; tells how far clients are.

    Args:
        worker_broker: the thread's own.
        registration, flow: of the whole process.
        stop: set when no new work is to be taken.
        on_away: called when the broker is lost (True, and the error) and when it is back (False).
    """

    def __init__(
        self,
        worker_broker: WorkerBroker,
        registration: WorkerRegistration,
        flow: StreamFlow,
        stop: StopFlag,
        on_away: Callable[[bool, Exception | None], None] = lambda away, error: None,
    ):
        self._broker = worker_broker
        self._registration = registration
        self.flow = flow
        self._stop = stop
        self._on_away = on_away

    @property
    def worker(self) -> str:
        """The id of the process, as it is registered now."""
        return self._broker.worker

    def claim(self) -> Claim | None:
        """Claim the next request; None where none can be started now, or once the stop has come."""
        if self._stop.is_set():
            return None
        try:
            return self._until_answered(lambda: self._settle(None, True), held=False)
        except Stopped:
            return None

    def wait(self) -> Claim | None:
        """Claim, but block until something waits, or for a while (see WorkerBroker.wait)."""
        try:
            self._registration.see_that_leases_are_kept()
            return self._broker.wait()
        except (BrokerUnavailable, Fenced):
            return self.claim()

    def open(self, claim: Claim) -> Envelope:
        """Decode the request itself.

        Raises:
            DecodeError: it is malformed, altered or forged; refuse it.
        """
        return self._until_answered(lambda: self._broker.open(claim))

    def body_of(self, claim: Claim, envelope: Envelope) -> "BufferedReader[IncomingBody] | None":
        """Make the file from which the body is read; None where the envelope has it."""
        pieces = pieces_of(envelope.head)
        return incoming_body(self._broker.pieces(claim, pieces), envelope) if pieces else None

    def proof(self, claim: Claim, envelope: Envelope, database: str) -> str:
        """Prove that a request was not run, since it is to be run exactly once in a database."""
        return self._broker.opener.proof(claim, envelope, database)

    def push(self, claim: Claim, frame: Frame) -> bool:
        """Send a frame that is not the last; False where nobody reads this answer any more."""
        try:
            return self._until_answered(lambda: self._broker.push(claim, frame))
        except Fenced:
            return False

    def wanted(self, claim: Claim) -> bool:
        """Whether a client still waits for the answer."""
        return self._until_answered(lambda: self._broker.wanted(claim))

    def settle(self, settlement: Settlement, *, while_away: Meanwhile = None) -> None:
        """End a lease and claim nothing; `while_away` is called after each failure."""
        self._until_answered(lambda: self._settle(settlement, False), while_away=while_away)

    def settle_and_claim(
        self,
        settlement: Settlement,
        *,
        claim: bool = True,
        while_waiting: Meanwhile = None,
    ) -> Claim | None:
        """End a lease and claim the next request, in one trip.

        Args:
            claim: False to claim none after all.
            while_waiting: called while the broker is at it, or is away; perhaps more than once.
        """
        return self._until_answered(
            lambda: self._settle(settlement, claim, while_waiting), while_away=while_waiting
        )

    def close(self) -> None:
        """Report what was counted and drop the link."""
        self._broker.close()

    def _settle(
        self, settlement: Settlement | None, claim: bool, while_waiting: Meanwhile = None
    ) -> Claim | None:
        if settlement is None:
            self._registration.see_that_leases_are_kept()
        claim = claim and self._registration.refusal is None
        try:
            return self._broker.settle_and_claim(
                settlement, claim=claim, while_waiting=while_waiting
            )
        except Fenced:
            self._broker.work_as(self._registration.join(given_up=self._broker.worker))
        try:
            return self._broker.settle_and_claim(None, claim=claim)
        except Fenced as error:  # so soon: not at once again
            raise BrokerUnavailable("This worker was given up twice in a row.") from error

    def _until_answered(
        self, action: Callable[[], T], *, held: bool = True, while_away: Meanwhile = None
    ) -> T:
        """Do it until the broker answers.

        Args:
            held: whether a request is held.
            while_away: called after each failure.

        Raises:
            Stopped: no request is held, and the stop has come.
        """
        attempts = Attempts(self._on_away)
        while True:
            end_forked_child()  # forked by a stream, or as its response was closed
            try:
                result = action()
            except BrokerUnavailable as error:
                delay = attempts.failed(error)
                if while_away is not None:
                    while_away()
                if not held and self._stop.is_set():
                    raise Stopped from error
                time.sleep(delay)
            else:
                attempts.succeeded()
                return result
