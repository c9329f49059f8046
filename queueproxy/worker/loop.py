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

from ..broker.claims import RETRIED, Claim, Settlement
from ..envelopes import Envelope, RequestHead
from ..exceptions import DecodeError, SchemaMismatch
from ..tracing.untraced import NO_TRACING, UNTRACED, NoTracing
from .admission import Admission, refused_by_view
from .elapsed import Elapsed
from .ended import Ended
from .exchange import Exchange
from .executor import Executor
from .fence import Fence
from .fenced_run import FencedRequest
from .last_word import MISROUTED, Start
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
        executor, admission, fence: of the whole process.
        stop: set when no new work is to be taken.
        budget: how many requests the process may still run.
        tracing: of the whole process.
        on_mismatch: called where the broker's state is another release's by now; the thread ends.
        burst: end when nothing waits.
    """

    def __init__(
        self,
        number: int,
        broker: RetryingBroker,
        executor: Executor,
        admission: Admission,
        fence: Fence,
        stop: StopFlag,
        budget: RequestBudget,
        *,
        on_mismatch: Callable[[SchemaMismatch], None],
        burst: bool = False,
        tracing: NoTracing = NO_TRACING,
    ):
        # A daemon: the drain waits for it, and what is left after that has been given up.
        super().__init__(name=f"executor-{number}", daemon=True)
        self._broker = broker
        self._executor = executor
        self._admission = admission
        self._fence = fence
        self._stop_flag = stop
        self._budget = budget
        self._on_mismatch = on_mismatch
        self._burst, self._tracing = burst, tracing
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
                if self._stop_flag.is_set():  # Django has not been entered
                    self._broker.settle(Settlement(claim, "released"))
                    break
                claim = self._answer(claim)
            self.busy = False
            if self._burst or not self._may_claim():
                return
            claim = self._broker.wait()

    def _may_claim(self) -> bool:
        return not self._stop_flag.is_set() and self._budget.left

    def _claim(self) -> Claim | None:
        return self._broker.claim() if self._may_claim() else None

    def _answer(self, claim: Claim) -> Claim | None:
        """Run one request, answer it, close its response; the claim of the next."""
        self._budget.use()
        claimed = Elapsed()
        attempt = UNTRACED
        try:
            envelope = self._broker.open(claim)
            head = envelope.head
            turned_away = self._admission.turned_away(claim, head)
            if turned_away is not None:
                return self._broker.settle_and_claim(turned_away, claim=self._may_claim())
            start = self._admission.begin(claim, head)
            reply = Reply(self._broker, claim, head, self.clock, start)
            self.clock.begin(claim, head, start)
            body = self._broker.body_of(claim, envelope)
            attempt = self._tracing.begin(claim, envelope, self._broker.worker)
            envelope = attempt.seen_by_view(envelope)
            respond = attempt.around(partial(self._executor.respond, envelope, body))
            if head.fenced:
                fenced = FencedRequest(envelope, respond, start, claimed, claim.attempt, body)
                ended = self._fence.run(fenced)
            else:
                ended = Ended("", None, respond())
        except DecodeError as error:
            self.clock.stop()
            attempt.end(None)
            refusal = self._admission.refused(claim, error)
            return self._broker.settle_and_claim(refusal, claim=self._may_claim())
        try:
            settlement = self._settlement(claim, envelope, start, ended, reply)
            self.clock.stop()
            attempt.end(settlement)
            return self._settle(settlement, ended.exchange, head)
        finally:
            attempt.end(None)
            if ended.exchange is not None:
                ended.exchange.close()

    def _settlement(
        self, claim: Claim, envelope: Envelope, start: Start, ended: Ended, reply: Reply
    ) -> Settlement:
        """Send what goes out before the last frame; the settlement that carries that."""
        if start.refused:
            first = start.refused == MISROUTED and start.wanted
            proof = self._broker.proof(claim, envelope, start.wanted) if first else ""
            return refused_by_view(claim, start, proof)
        if ended.answer is not None:
            once = ended.once or (RETRIED if claim.attempt > 1 else "")
            route = start.route if ended.exchange else ""  # else it was not run now
            return reply.whole(ended.answer)._replace(once=once, route=route)
        if ended.outcome or ended.exchange is None:
            return Settlement(claim, ended.outcome)
        return reply.send(ended.exchange)

    def _settle(
        self, settlement: Settlement, exchange: Exchange | None, head: RequestHead
    ) -> Claim | None:
        """Settle a request and close its response; the claim of the next."""
        if exchange is None or exchange.closes_quickly:
            close = None if exchange is None else exchange.close
            return self._broker.settle_and_claim(
                settlement, claim=self._may_claim(), while_waiting=close
            )
        close_late = partial(self._close, exchange, settlement.claim, head)
        self._broker.settle(settlement, while_away=close_late)
        close_late()
        return self._claim()

    def _close(self, exchange: Exchange, claim: Claim, head: RequestHead) -> None:
        """Close a response where that may run the project's code."""
        self.clock.start(claim, head)
        exchange.close()
        self.clock.stop()
