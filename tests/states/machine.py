"""The state machine as a whole, and how it ends: nothing waits for ever."""

from .front_rules import RELEASES
from .operator_rules import OperatorRules
from .site import QUEUES
from .table import WAITING

ROUNDS = 60


class States(OperatorRules):
    """The rules of all, and the end."""

    def drain(self) -> None:
        """Let people end their pauses, and new workers do what is left."""
        self.activate("")
        self.resume(QUEUES, True)
        for front in self.site.fronts:
            self._join(front)
        for worker in self.site.workers:
            self.dies(self.site.workers.index(worker), 0)
        fresh = [self.start(release).slots[0] for release in RELEASES]
        for _ in range(ROUNDS):
            if not self._left_to_run():
                break
            for slot in fresh:
                self.answer(slot, True) if slot.claim else self.turn(slot, None, True)
            self.time_passes(1.5)
        assert not self._left_to_run(), f"these wait for ever: {self._left_to_run()}"
        while self.now.held:  # of a wire version that nobody knows
            self.withdraws(0, 0, "expired")
        assert not self.now.states
        counted = ("waiting", "inflight", "returned", "parked", "in_line")
        state = self.now.there.state
        assert not [f for f, v in state.items() if f.startswith(counted) and int(v)], state

    def _left_to_run(self) -> list:
        """Places of what workers should end."""
        now = self.now
        running = [place for place in now.states if place in now.leases]
        waiting = [place for place, state in now.states.items() if state in WAITING]
        return running + [place for place in waiting if now.may_be_read(place)]
