"""An executor thread: claim, execute, settle with the next claim, until told to stop."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ..backoff import Backoff
from ..broker.registration import Registration
from ..broker.worker_broker import Claim, Settlement, WorkerBroker
from ..envelopes import Envelope
from ..exceptions import BadResponse, BrokerUnavailable, DecodeError, Fenced
from .executor import Executor
from .forking import end_child
from .reply import Reply
from .stopping import StopFlag

logger = logging.getLogger("queueproxy.worker")

TELL_AFTER = 2  # failures: a lost connection alone, made anew at once, is no news


def _nothing() -> None:
    pass


class Once:
    """Calls a function at the first call only."""

    def __init__(self, action: Callable[[], None]):
        self._action = action

    def __call__(self) -> None:
        action, self._action = self._action, _nothing
        action()


class RequestBudget:
    """How many more requests a process may run (``--max-requests``); None for no end.

    Threads that claim at the same moment may each take one past it.
    """

    def __init__(self, most: int | None):
        self._left = most
        self._lock = threading.Lock()

    @property
    def left(self) -> bool:
        """Whether one more may be taken."""
        return self._left is None or self._left > 0

    def use(self) -> None:
        """One is taken."""
        if self._left is not None:
            with self._lock:
                self._left -= 1


class ExecutorThread(threading.Thread):
    """Runs requests one after another.

    Args:
        worker_broker: this thread's place at the broker.
        registration: of the whole process.
        executor: of the whole process.
        stop: set when no new work is to be taken.
        allowance: how many requests the process may still run.
        burst: end when nothing waits.
        on_away: called when the broker is lost (True, and the error) and when it is back (False).
    """

    def __init__(
        self,
        worker_broker: WorkerBroker,
        registration: Registration,
        executor: Executor,
        stop: StopFlag,
        allowance: "RequestBudget",
        *,
        burst: bool = False,
        on_away: Callable[[bool, Exception | None], None] = lambda away, error: None,
    ):
        # A daemon: the drain waits for it, and what is left after that has been given up.
        super().__init__(name=f"executor-{worker_broker.slot.rsplit('/', 1)[-1]}", daemon=True)
        self._broker = worker_broker
        self._registration = registration
        self._executor = executor
        self._stop_flag = stop
        self._allowance = allowance
        self._burst = burst
        self._on_away = on_away
        self._next: Claim | None = None
        self.busy = False
        self.failed = False

    def run(self) -> None:
        try:
            self._serve()
        except BaseException:
            logger.exception("An executor thread failed; its process ends and is replaced.")
            self.failed = True
            self._stop_flag.set()
        finally:
            self._executor.close_thread()
            self._broker.close()

    def _serve(self) -> None:
        claim = self._ask(None, self._may_claim())
        while True:
            while claim is not None:
                claim = self._release(claim) if self._stop_flag.is_set() else self._answer(claim)
            if self._burst or not self._may_claim():
                return
            claim = self._ask_when_rung()

    def _may_claim(self) -> bool:
        return not self._stop_flag.is_set() and self._allowance.left

    def _answer(self, claim: Claim) -> Claim | None:
        """Run one request; its answer goes out with the claim of the next."""
        self.busy = True
        self._allowance.use()
        self._next = None
        try:
            self._execute(claim)
        finally:
            self.busy = False
        return self._next

    def _execute(self, claim: Claim) -> None:
        try:
            envelope = self._persist(lambda: self._broker.open(claim))
            self._run(claim, envelope)
        except DecodeError as error:
            logger.error("Request %s was refused: %s", claim.id, error)
            self._finish(Settlement(claim, "malformed"))

    def _run(self, claim: Claim, envelope: Envelope) -> None:
        head = envelope.head
        reply = Reply(self._broker, claim, head.method, self._finish, self._persist)
        try:
            self._executor.run(head, envelope.body, reply)
        except BadResponse as error:
            logger.error("%s %s: %s", head.method, head.path, error, exc_info=True)
            self._finish(Settlement(claim, "bad_response"))

    def _finish(self, settlement: Settlement, close: Callable[[], None] = _nothing) -> None:
        self._next = self._ask(settlement, self._may_claim(), Once(close))

    def _release(self, claim: Claim) -> None:
        """Hand back what was claimed while the stop came: Django has not been entered."""
        self._ask(Settlement(claim, "released"), False)

    def _ask(
        self,
        settlement: Settlement | None,
        claim: bool,
        while_waiting: Callable[[], None] = _nothing,
    ) -> Claim | None:
        held = settlement is not None
        return self._persist(lambda: self._turn(settlement, claim, while_waiting), held=held)

    def _ask_when_rung(self) -> Claim | None:
        try:
            return self._broker.wait()
        except (BrokerUnavailable, Fenced):
            return self._ask(None, self._may_claim())

    def _turn(
        self, settlement: Settlement | None, claim: bool, while_waiting: Callable[[], None]
    ) -> Claim | None:
        try:
            return self._broker.settle_and_claim(
                settlement, claim=claim, while_waiting=while_waiting
            )
        except Fenced:
            # Given up while away: what it held has been dealt with, its answer is nobody's.
            self._broker.sit(self._registration.join(given_up=self._broker.worker))
            return self._broker.settle_and_claim(None, claim=claim)
        finally:
            while_waiting()  # whatever became of the broker

    def _persist(self, action: Callable[[], Any], *, held: bool = True) -> Any:
        """Do it until the broker answers; each action is safe to do again.

        Args:
            held: whether a request is held; without one, None is returned once the stop comes.
        """
        backoff = Backoff()
        while True:
            end_child()  # forked by a stream, or as its response was closed
            try:
                result = action()
            except BrokerUnavailable as error:
                delay = backoff.failed()
                if backoff.failures == TELL_AFTER:
                    self._on_away(True, error)
                if not held and self._stop_flag.is_set():
                    return None
                time.sleep(delay)
            else:
                if backoff.failures >= TELL_AFTER:
                    self._on_away(False, None)
                return result
