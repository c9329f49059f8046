"""What a load has been like over the last seconds: rates, and how many requests run at once."""

from collections import deque

from .load import Load

BRIEF = 1.0  # seconds over which the arrivals are counted where requests wait
USUAL = 10.0  # seconds over which they are counted else
LEAST_KNOWN = 0.01  # requests (of some, only a part is this supervisor's) that tell a time
RUN_HALF_LIFE = 60.0  # seconds after which what a request takes counts half


class Measures:
    """Adds up what was measured; forgets it after USUAL seconds.

    How long a request runs is remembered for longer, also over a pause: it belongs to the code.
    """

    def __init__(self) -> None:
        self._loads: deque[Load] = deque()
        self._completed = 0.0
        self._run_seconds = 0.0

    def add(self, load: Load) -> None:
        """Take in what was measured last."""
        if not load.seconds:
            return
        self._loads.append(load)
        while sum(one.seconds for one in self._loads) - self._loads[0].seconds >= USUAL:
            self._loads.popleft()
        fading = 0.5 ** (load.seconds / RUN_HALF_LIFE) if self._completed > 1 else 1.0
        self._completed = self._completed * fading + load.completed
        self._run_seconds = self._run_seconds * fading + load.run_seconds

    def forget(self) -> None:
        """Begin anew: what came lately says nothing of what comes now."""
        self._loads.clear()

    @property
    def run_seconds(self) -> float:
        """Mean time that a request runs; 0 where none has been answered."""
        return self._run_seconds / self._completed if self._completed >= LEAST_KNOWN else 0.0

    @property
    def run_seconds_at_least(self) -> float:
        """Time that a request runs, told also by those that have not ended: views that hang."""
        busy_seconds = sum(load.in_flight * load.seconds for load in self._loads)
        completed = sum(load.completed for load in self._loads)
        return max(self.run_seconds, busy_seconds / (completed + 1))

    def arrivals(self, within: float) -> float:
        """Arrivals a second over about so many of the last seconds."""
        seconds = arrived = 0.0
        for load in reversed(self._loads):
            if seconds >= within:
                break
            seconds += load.seconds
            arrived += load.arrived
        return arrived / seconds if seconds else 0.0

    @property
    def busy(self) -> float:
        """How many requests ran at once, on average over USUAL."""
        seconds = sum(load.seconds for load in self._loads)
        ran = sum(load.in_flight * load.seconds for load in self._loads)
        return ran / seconds if seconds else 0.0

    def load(self, within: float) -> float:
        """How many slots are busy with what arrives, on average."""
        return max(self.arrivals(within) * self.run_seconds, self.busy)
