"""Decides how many processes there should be, and says why: pure, from what was measured.

Up at once, by several where the load asks for it; down one by one, once no more were needed for
long. In between their number stays, so that a load that goes up and down does not start and stop
processes with it.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from ...demand import processes_for, slots_needed
from ...wording import seconds_text
from .load import Fleet, Load
from .measures import BRIEF, USUAL, Measures
from .process_range import ProcessRange

LATE_FOR = 1.0  # seconds for which requests wait too long, whatever the figures say, before
SHARE_MORE = 4  # one process more is started for each so many that serve
STEPS_DOWN = 10  # in the time after which there may be fewer, so many may go, one by one


@dataclass(frozen=True)
class Aims:
    """What a supervisor was told.

    Attributes:
        range: how many processes there may be.
        slots: how many requests each runs at once.
        target_wait: seconds that a request may wait.
        fewer_after: seconds for which no more were needed before one goes.
    """

    range: ProcessRange
    slots: int
    target_wait: float
    fewer_after: float


class Decision(NamedTuple):
    """How many processes there should be, and why: words that go on from ``wanted, since``."""

    wanted: int
    why: str


class Needs:
    """How many processes were needed over the last seconds: the most of them."""

    def __init__(self, within: float):
        self._within = within
        self._found: deque[tuple[float, int]] = deque()  # each fewer than those before it
        self._since: float | None = None

    def add(self, now: float, needed: int) -> None:
        """Note how many are needed now."""
        if self._since is None:
            self._since = now
        while self._found and self._found[-1][1] <= needed:
            self._found.pop()
        self._found.append((now, needed))
        while self._found[0][0] < now - self._within:
            self._found.popleft()

    def forget(self) -> None:
        """Begin anew."""
        self._found.clear()
        self._since = None

    def most(self, now: float) -> int | None:
        """Return the most that were needed; None where it is not known for all of the time."""
        known = self._since is not None and now - self._since >= self._within
        return self._found[0][1] if known else None


class Decider:
    """Follows one supervisor's load.

    Args:
        aims: see there.
    """

    def __init__(self, aims: Aims):
        self._aims = aims
        self._range = aims.range
        self._measures = Measures()
        self._needs = Needs(aims.fewer_after)
        self._last = Decision(aims.range.least, "it begins with the least")
        self._late_since: float | None = None
        self._down_again = 0.0  # not before

    @property
    def range(self) -> ProcessRange:
        """How many processes there may be."""
        return self._range

    def raise_least(self, by: int) -> None:
        """Have so many more at least, or, where negative, fewer; from 1 to the most."""
        least = min(self._range.most, max(1, self._range.least + by))
        self._range = self._range._replace(least=least)

    def decide(self, now: float, load: Load | None, fleet: Fleet) -> Decision:
        """Decide for this moment.

        Args:
            now: seconds of a clock that does not jump.
            load: None where it could not be measured.
            fleet: the supervisor's own processes.
        """
        held = self._held(load, fleet)
        if load is None or held:
            self._measures.forget()
            self._needs.forget()
            self._late_since = None
            self._last = self._within_limits(Decision(self._last.wanted, held), fleet)
            return self._last
        self._measures.add(load)
        self._note_lateness(now, load)
        needed, why = self._needed(now, load, fleet)
        self._needs.add(now, needed)
        if needed > self._last.wanted:
            decision = Decision(needed, why)
        elif fleet.starting or self._late_since is not None:  # it is not enough as it is
            decision = Decision(self._last.wanted, why)
        else:
            decision = self._fewer(now, needed)
        self._last = self._within_limits(decision, fleet)
        return self._last

    def _held(self, load: Load | None, fleet: Fleet) -> str:
        if fleet.stands_by:
            return "its release stands by"
        if fleet.held:
            return fleet.held
        return "the broker is away" if load is None else load.held

    def _note_lateness(self, now: float, load: Load) -> None:
        if load.oldest_wait <= self._aims.target_wait:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = now

    def _needed(self, now: float, load: Load, fleet: Fleet) -> Decision:
        """Tell how many the load needs, whatever may be had."""
        measures = self._measures
        if self._late_since is None:
            slots = slots_needed(measures.load(USUAL))
        else:
            load_now = max(measures.load(USUAL), measures.load(BRIEF))
            slots = slots_needed(load_now, load.depth, measures.run_seconds_at_least)
        needed = processes_for(max(0.0, slots - load.other_slots), self._aims.slots)
        if self._late_since is None:
            arrivals = measures.arrivals(USUAL)
            return Decision(needed, f"{arrivals:.1f} requests a second arrive")
        if needed <= self._last.wanted and self._in_spite_of_all(now, fleet):
            self._late_since = now  # until these serve there is no sense in asking for more
            needed = self._last.wanted + max(1, self._last.wanted // SHARE_MORE)
        return Decision(
            needed,
            f"the oldest request has waited {seconds_text(load.oldest_wait)}, "
            f"{measures.arrivals(BRIEF):.1f} a second arrive",
        )

    def _in_spite_of_all(self, now: float, fleet: Fleet) -> bool:
        """Whether all that were wanted serve, and requests wait too long all the same."""
        serve = not fleet.starting and fleet.serving >= self._last.wanted
        return serve and self._late_since is not None and now - self._late_since >= LATE_FOR

    def _fewer(self, now: float, needed: int) -> Decision:
        """Keep as many, or, where that was enough for long, one fewer."""
        wanted, most = self._last.wanted, self._needs.most(now)
        fewer_after = self._aims.fewer_after
        if most is not None and most < wanted > self._range.least and now >= self._down_again:
            self._down_again = now + fewer_after / STEPS_DOWN
            why = f"no more than {most} were needed for {seconds_text(fewer_after)}"
            return Decision(wanted - 1, why)
        return Decision(wanted, f"the load needs {needed}")

    def _within_limits(self, decision: Decision, fleet: Fleet) -> Decision:
        wanted, why = decision
        least, most = self._range
        if wanted > most:
            wanted, why = most, f"{why}; there may be no more"
        if fleet.fits is not None:
            # It keeps more from being started. Those that are there stay: it is but an estimate.
            enough = max(fleet.fits, least, min(self._last.wanted, most))
            if wanted > enough:
                wanted, why = enough, f"{why}; the memory is enough for about {fleet.fits}"
        return Decision(max(least, wanted), why)
