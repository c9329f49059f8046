"""What workers do, and what is done to them."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from queueproxy.envelopes import Frame, ReplyHead

from ..brokers import answer, part
from .actors import SlotActor, WorkerActor
from .base import GIVEN_UP
from .expected import see_that_none_could_start, see_that_others_do_not_go_first
from .front_rules import LOST, ONE_OF, RELEASES, FrontRules
from .happenings import happens
from .ledger import Call
from .table import CLAIMABLE

MOST_WORKERS = 5
OUTCOMES = ("released", "deferred", "repeat", "abandoned", "malformed", "misrouted")
# How no worker ends what has begun to answer, or what its client waits for.
FITTING = {"leased": {*OUTCOMES} - {"abandoned"}, "streaming": ("repeat", "malformed")}

WHAT = (*("claims",) * 6, *("streams",) * 2, "answers", "forgets", *OUTCOMES)
TURNS = st.lists(
    st.tuples(ONE_OF, st.sampled_from(WHAT), st.booleans(), LOST), min_size=2, max_size=5
)


class WorkerRules(FrontRules):
    """A few workers of two threads each, of two releases."""

    @initialize()
    def the_first_start(self):
        for release in RELEASES:
            self.start(release)

    @happens(
        when=lambda self: len(self.site.workers) < MOST_WORKERS, release=st.sampled_from(RELEASES)
    )
    def starts(self, release):
        self.start(release)

    def start(self, release: str) -> WorkerActor:
        """A worker process starts."""
        made = []
        self.call(Call("worker_join"), lambda: made.append(self.site.worker(release)), 0, set())
        self.ledger.releases[made[-1].id] = release
        return made[-1]

    @happens(when=lambda self: self.site.workers, w=ONE_OF, lost=LOST)
    def heartbeat(self, w, lost):
        worker = self.a_worker(w)
        expires = self.now.workers.get(worker.id, 0)
        make = lambda: worker.registration.beat("idle")  # noqa: E731
        on_list = self.call(Call("worker_beat"), make, lost, self.swept())
        if not on_list:
            assert expires <= self.now.clock, f"{worker.id} is given up before its time"

    @happens(2, when=lambda self: self._given_up(), w=ONE_OF)
    def registers_again(self, w):
        """Its threads give up what they ran."""
        worker = self._given_up()[w % len(self._given_up())]
        given_up = worker.id
        make = lambda: worker.registration.join(given_up)  # noqa: E731
        self.call(Call("worker_join"), make, 0, set())
        self.ledger.releases[worker.id] = worker.release.name
        for slot in worker.slots:
            slot.claim = None
            slot.asks.work_as(worker.id)

    def _given_up(self) -> list[WorkerActor]:
        return [worker for worker in self.site.workers if worker.id not in self.now.workers]

    @happens(4, when=lambda self: self.site.workers, w=ONE_OF, lost=LOST)
    def dies(self, w, lost):
        """Its supervisor notices; it may itself speak on, as one does that hangs."""
        worker = self.a_worker(w).id
        its = {p for p, s in self.now.starts.items() if s.slot.rpartition("/")[0] == worker}
        make = lambda: self.site.reap(worker)  # noqa: E731
        self.call(Call("worker_reap", reaped=worker), make, lost, its)
        assert worker not in self.now.workers

    @happens(25, when=lambda self: self.site.workers, turns=TURNS)
    def work(self, turns):
        """Each turn is one thread's: it claims, answers, or ends otherwise what it runs."""
        for number, what, claims, lost in turns:
            if what == "claims":
                idle = self._idle()
                if idle:
                    self.turn(idle[number % len(idle)], None, True, lost)
            elif busy := self.busy_slots():
                slot = busy[number % len(busy)]
                if what == "answers":
                    self.answer(slot, claims, lost)
                elif what == "streams":
                    self.stream(slot, lost)
                elif what == "forgets":  # it believes that it has settled, the broker forgot that
                    slot.claim = None
                else:
                    self.give_back(slot, what, claims, lost)

    @happens(6, when=lambda self: self._overtaken(), n=ONE_OF, lost=LOST)
    def one_given_up_answers(self, n, lost):
        """What it ran is run by another meanwhile; it has not heard of that."""
        slots = self._overtaken()
        self.answer(slots[n % len(slots)], False, lost)

    def _overtaken(self) -> list[SlotActor]:
        starts = self.now.starts
        return [
            slot
            for slot in self.busy_slots()
            if (start := starts.get((slot.claim.queue, slot.claim.entry)))
            and start.slot != slot.asks.slot
        ]

    def _idle(self) -> list[SlotActor]:
        """Threads that run nothing; those first whose worker has not been given up."""
        slots = [slot for worker in self.site.workers for slot in worker.slots if not slot.claim]
        return sorted(slots, key=lambda slot: slot.asks.worker not in self.now.workers)

    def answer(self, slot: SlotActor, claims: bool, lost: int = 0) -> None:
        """The last frame goes out; of an answer in one piece or of several."""
        head = ReplyHead(slot.claim.id, slot.claim.attempt, slot.seq)
        last = slot.settlement("answered", Frame(head, b"")) if slot.seq else answer(slot.claim)
        self.turn(slot, last, claims, lost)

    def give_back(self, slot: SlotActor, outcome: str, claims: bool, lost: int) -> None:
        """End it in another way than by an answer, where a worker would."""
        state = self.now.states.get((slot.claim.queue, slot.claim.entry), "leased")
        if outcome in FITTING.get(state, OUTCOMES):
            self.turn(slot, slot.settlement(outcome), claims, lost)

    def stream(self, slot: SlotActor, lost: int) -> None:
        """Send one frame of several."""
        place = (slot.claim.queue, slot.claim.entry)
        frame = part(slot.claim, slot.seq)
        make = lambda: slot.asks.push(slot.claim, frame)  # noqa: E731
        wanted = self.call(Call("push"), make, lost, {place})
        assert not (wanted is True and self.now.states[place] != "streaming")
        slot.seq += 1

    def turn(self, slot: SlotActor, settlement, claims: bool, lost: int = 0) -> None:
        """Settle and claim, and see that the right one is claimed."""
        before, held = self.now, slot.claim and (slot.claim.queue, slot.claim.entry)
        mine = before.slots.get(slot.asks.slot)
        settles = held is not None and held == mine
        settles = settles and before.leases[held].attempt == slot.claim.attempt
        unrun = settlement and settlement.outcome in ("released", "deferred", "misrouted")
        call = Call("settle_and_claim", unrun=held if settles and unrun else None)
        make = lambda: slot.asks.settle_and_claim(settlement, claim=claims)  # noqa: E731
        may_move = {p for p, s in before.states.items() if s in CLAIMABLE} | ({mine} - {None})
        claim = self.call(call, make, lost, may_move)
        if claim is GIVEN_UP:
            assert slot.asks.worker not in before.workers, "given up before its time"
            return
        if settles and settlement.outcome == "answered":
            assert held not in self.now.states, f"answered, and {self.now.states[held]}"
        slot.claim, slot.seq = claim, 0
        if claim is None and claims:
            see_that_none_could_start(self, slot, before)
        elif claim is not None and claim.attempt == 1:
            see_that_others_do_not_go_first(self, slot, before)
