"""What the rules stand on: one site, what the broker said last, and one checked call."""

from collections import Counter
from collections.abc import Callable

from queueproxy.exceptions import BrokerFull, Fenced

from ..recount import Place, differences_in
from .actors import FrontActor, SlotActor, WorkerActor
from .happenings import Happenings
from .ledger import Call, Ledger
from .site import Site
from .table import IN_FLIGHT, Move

GIVEN_UP = object()  # what a call returns where the broker has given its caller up


class Base(Happenings):
    """One site, watched.

    Attributes:
        url: of a broker that is this machine's own.
        seen: how often each move was made, over all runs.
        steps: how many calls were checked, over all runs.
    """

    url = ""
    seen: Counter[Move] = Counter()
    steps = 0

    def __init__(self):
        super().__init__()
        self.site = Site(self.url)
        self.ledger = Ledger()
        self.now = self.site.snapshot()
        self.failed = False
        self.ids = 0

    def call(
        self, call: Call, make: Callable, lost: int = 0, may_move: set[Place] | None = None
    ) -> object:
        """Make a call, and see what it has done.

        Args:
            make: makes it, and is called again where its reply was lost.
            lost: replies that are.
            may_move: whom it may move, beside those that wait and are no longer in a line; None for
                anybody.

        Returns:
            What it returned; GIVEN_UP where the broker has given the caller up.
        """
        before = self.now
        self.failed = True
        try:
            result = self.site.again(make, lost)
        except Fenced:
            result, may_move = GIVEN_UP, set()
        except BrokerFull:
            result, may_move = None, set()
        self.now = after = self.site.snapshot()
        changed = self.ledger.check(call, before, after)
        if may_move is not None:
            called_up = {p for p, s in before.states.items() if s == "in line"}
            others = {p for p in changed if p in before.states} - may_move
            assert others <= called_up, f"{call.script} moved others: {others}"
        self.seen.update(self.ledger.seen)
        self.ledger.seen.clear()
        Base.steps += 1
        self.failed = False
        return result

    def look(self) -> None:
        """Read the keys again, where something else than a call has changed them."""
        self.now = self.site.snapshot()
        wrong = differences_in(self.now.there)
        assert not wrong, wrong

    def in_flight(self, *but: Place | None) -> set[Place]:
        """Places of all leases, but these."""
        return {p for p, s in self.now.states.items() if s in IN_FLIGHT} - {*but}

    # Whom a rule means by a number: no number is out of range.

    def a_front(self, number: int) -> FrontActor:
        """One of the fronts."""
        return self.site.fronts[number % len(self.site.fronts)]

    def a_worker(self, number: int) -> WorkerActor:
        """One of the workers, those given up among them."""
        return self.site.workers[number % len(self.site.workers)]

    def busy_slots(self) -> list[SlotActor]:
        """Those whose threads run something, as far as they know."""
        slots = (slot for worker in self.site.workers for slot in worker.slots)
        return [slot for slot in slots if slot.claim]

    def teardown(self) -> None:
        """Let all come to its end, where no rule has failed."""
        try:
            if not self.failed:
                self.drain()
        finally:
            self.site.close()

    def drain(self) -> None:
        """See that nothing waits for ever."""
        raise NotImplementedError
