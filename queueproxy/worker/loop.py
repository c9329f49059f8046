"""An executor thread: claim, execute, settle with the next claim, until told to stop.

    envelope = broker.open(claim)
    exchange = executor.respond(envelope)
    settlement = reply.send(exchange)       # all frames but the last, which the settlement carries

Where closing the response is Django's own quick business, the settlement travels with the claim of
the next request, and the response is closed while the broker is at it. Else it may take long: then
the request is settled, its response closed, and only then the next claimed, so that no request is
held, started inside a pause or lost by a thread that can't run it yet.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial

from ..broker.claims import Claim, Settlement
from ..envelopes import RequestHead
from ..exceptions import DecodeError, SchemaMismatch
from .admission import Admission, not_again
from .exchange import Exchange
from .executor import Executor
from .reply import Reply
from .retrying_broker import RetryingBroker
from .stopping import StopFlag
from .view_watch import ViewClock

logger = logging.getLogger("queueproxy.worker")


class RequestBudget:
    """Counts how many more requests a process may run (``--max-requests``); None for no end.

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
        """Take one."""
        if self._left is not None:
            with self._lock:
                self._left -= 1


class ExecutorThread(threading.Thread):
    """Runs requests one after another.

    Args:
        number: of the thread in its process.
        broker: the thread's own.
        executor, admission: of the whole process.
        stop: set when no new work is to be taken.
        budget: how many requests the process may still run.
        on_mismatch: called where the broker's state is another release's by now; the thread ends.
        burst: end when nothing waits.
    """

    def __init__(
        self,
        number: int,
        broker: RetryingBroker,
        executor: Executor,
        admission: Admission,
        stop: StopFlag,
        budget: RequestBudget,
        *,
        on_mismatch: Callable[[SchemaMismatch], None],
        burst: bool = False,
    ):
        # A daemon: the drain waits for it, and what is left after that has been given up.
        super().__init__(name=f"executor-{number}", daemon=True)
        self._broker = broker
        self._executor = executor
        self._admission = admission
        self._stop_flag = stop
        self._budget = budget
        self._on_mismatch = on_mismatch
        self._burst = burst
        self.clock = ViewClock(number)
        self.busy = False
        self.failed = False

    def run(self) -> None:
        try:
            self._serve()
        except SchemaMismatch as error:
            self._on_mismatch(error)
            self._stop_flag.set()
        except BaseException:
            logger.exception("An executor thread failed; its process ends and is replaced.")
            self.failed = True
            self._stop_flag.set()
        finally:
            self._executor.close_thread()
            self._broker.close()

    def _serve(self) -> None:
        claim = self._claim()
        while True:
            while claim is not None:
                self.busy = True
                claim = self._release(claim) if self._stop_flag.is_set() else self._answer(claim)
            self.busy = False
            if self._burst or not self._may_claim():
                return
            claim = self._broker.wait()

    def _may_claim(self) -> bool:
        return not self._stop_flag.is_set() and self._budget.left

    def _claim(self) -> Claim | None:
        return self._broker.claim() if self._may_claim() else None

    def _release(self, claim: Claim) -> None:
        """Hand back what was claimed while the stop came: Django has not been entered."""
        self._broker.settle(Settlement(claim, "released"))

    def _answer(self, claim: Claim) -> Claim | None:
        """Run one request, answer it, close its response; the claim of the next."""
        self._budget.use()
        try:
            envelope = self._broker.open(claim)
            turned_away = self._admission.turned_away(claim, envelope.head)
            if turned_away is not None:
                return self._broker.settle_and_claim(turned_away, claim=self._may_claim())
            reply = Reply(self._broker, claim, envelope.head, self.clock)
            self.clock.start(claim, envelope.head)
            repetition = self._admission.begin(claim)
            exchange = self._executor.respond(envelope, self._broker.body_of(claim, envelope))
        except DecodeError as error:
            self.clock.stop()
            refusal = self._admission.refused(claim, error)
            return self._broker.settle_and_claim(refusal, claim=self._may_claim())
        try:
            if repetition is not None and repetition.refused:
                return self._refuse_repetition(claim, exchange)
            settlement = reply.send(exchange)
            self.clock.stop()
            if exchange.closes_quickly:
                return self._broker.settle_and_claim(
                    settlement, claim=self._may_claim(), while_waiting=exchange.close
                )
            close = partial(self._close, exchange, claim, envelope.head)
            self._broker.settle(settlement, while_away=close)
            close()
        finally:
            exchange.close()
        return self._claim()

    def _refuse_repetition(self, claim: Claim, exchange: Exchange) -> Claim | None:
        """Turn down what must not run twice; the next claim."""
        self.clock.stop()
        refusal = not_again(claim)
        exchange.close()
        return self._broker.settle_and_claim(refusal, claim=self._may_claim())

    def _close(self, exchange: Exchange, claim: Claim, head: RequestHead) -> None:
        """Close a response where that may run the project's code."""
        self.clock.start(claim, head)
        exchange.close()
        self.clock.stop()
