"""What people do, and what befalls the broker itself."""

from hypothesis import strategies as st

from .front_rules import LOST, ONE_OF, RELEASES
from .happenings import happens
from .ledger import LONGEST_STEP, Call
from .site import PAUSED_BY_HOLD, QUEUES
from .table import WAITING
from .worker_rules import WorkerRules

LENGTHS = st.sampled_from((20.0, 50.0, 200.0))  # seconds
PEOPLE = st.sampled_from(("ann", "bob"))
SOME_QUEUES = st.sampled_from((QUEUES, QUEUES[:1], QUEUES[1:]))
HOLD = "hold"
SILENCE, SILENCES = 70.0, 3  # seconds, less than a worker's lease; together more than a front's


class OperatorRules(WorkerRules):
    """Two people, and one hold at a time."""

    @happens(who=PEOPLE, queues=SOME_QUEUES, length=LENGTHS, lost=LOST)
    def pauses(self, who, queues, length, lost):
        begun = self.now.clock
        make = lambda: self.site.control.pause(queues, length, by=who)  # noqa: E731
        self.call(Call("pause"), make, lost, set())
        for queue in queues:
            ends = (begun + int(length * 1000), self.now.clock + int(length * 1000))
            self.ledger.pauses.begin(queue, who, *ends)

    @happens(3, queues=SOME_QUEUES, breaks=st.booleans(), lost=LOST)
    def resumes(self, queues, breaks, lost):
        self.resume(queues, breaks, lost)

    def resume(self, queues, breaks: bool, lost: int = 0) -> None:
        """Somebody ends the pauses of these queues."""
        make = lambda: self.site.control.resume(queues, break_hold=breaks)  # noqa: E731
        self.call(Call("resume"), make, lost, set())
        for queue in queues:
            self.ledger.pauses.end_all(queue, but="" if breaks else HOLD)

    @happens(lost=LOST)
    def holds(self, lost):
        begun, pauses = self.now.clock, self.ledger.pauses
        held = [queue for queue in QUEUES if pauses.stands(queue, HOLD, begun + 1000)]
        renewal = self.call(Call("hold"), self.site.hold.keep, lost, set())
        assert not {*held} & {*renewal.resumed}, f"a hold was broken by nobody: {renewal}"
        for queue in {*QUEUES} - {*renewal.resumed}:
            ends = (begun + int(PAUSED_BY_HOLD * 1000), self.now.clock + int(PAUSED_BY_HOLD * 1000))
            pauses.begin(queue, HOLD, *ends)

    @happens(lost=LOST)
    def ends_hold(self, lost):
        self.call(Call("end_hold"), self.site.hold.end, lost, set())
        self.site.hold = self.site.new_hold()
        for queue in QUEUES:
            self.ledger.pauses.end(queue, HOLD)

    @happens(release=st.sampled_from((*RELEASES, "", "", "")), lost=LOST)
    def activates(self, release, lost):
        self.activate(release, lost)

    def activate(self, release: str, lost: int = 0) -> None:
        """Somebody lets the workers of one release serve, or any."""
        make = lambda: self.site.releases.activate(release, keep=1000, force=True)  # noqa: E731
        self.call(Call("activate"), make, lost, set())
        assert self.now.active == release

    @happens(
        when=lambda self: any(s in WAITING for s in self.now.states.values()), n=ONE_OF, lost=LOST
    )
    def takes_one_off(self, n, lost):
        places = sorted(place for place, s in self.now.states.items() if s in WAITING)
        place = places[n % len(places)]
        make = lambda: self.site.control.operator_withdraw(*place)  # noqa: E731
        self.call(Call("operator_withdraw"), make, lost, {place})
        assert place not in self.now.states

    # What befalls the broker.

    @happens(seconds=st.sampled_from((1.5, 1.5, 1.5, 25.0, 45.0, 100.0, 190.0)))
    def time_passes(self, seconds):
        self.site.pass_time(seconds)
        self.look()

    @happens(silent=st.integers(0, 7))
    def one_falls_silent(self, silent):
        """All others beat, until its lease is over and one of them deals with what it held."""
        others = [*self.site.fronts, *self.site.workers]
        del others[silent % len(others)]
        for _ in range(SILENCES):
            self.time_passes(SILENCE)
            for number, front in enumerate(self.site.fronts):
                if front in others:
                    self.beats(number, 0)
            for number, worker in enumerate(self.site.workers):
                if worker in others:
                    self.heartbeat(number, 0)

    @happens(seconds=st.sampled_from((10.0, 3600.0, -3600.0)))
    def the_server_clock_is_set(self, seconds):
        before = self.now.clock
        self.site.step_server_clock(seconds)
        self.look()
        assert abs(self.now.clock - before) <= LONGEST_STEP + 1000

    @happens(when=lambda self: "run" in self.now.there.state)
    def another_server_takes_over(self):
        """Behind the same address, with the same keys."""
        self.ledger.new_epoch(self.now)
        self.site.begin_epoch()
        look = self.a_front(0).asks
        self.call(Call("reconcile"), lambda: look.missing(["none"]), 0, set())

    @happens(when=lambda self: self.now.states)
    def somebody_flushes_it(self):
        self.site.flush()
        self.ledger.flushed()
        self.look()
