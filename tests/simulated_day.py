"""A site in a model: requests by chance, processes that take time to start, one that decides.

Not a test by itself; tests/unit/test_scaling.py runs days of it in a second or two.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator

from queueproxy.worker.scaling.decision import Aims, Decider
from queueproxy.worker.scaling.load import Fleet, Load

LOOK_EVERY = 0.5  # seconds


class SimulatedSite:
    """Runs a load on as many processes as are decided for.

    Args:
        aims: see `Decider`.
        rate: requests a second at a moment.
        most_rate: that is never exceeded.
        run_seconds: that a request takes, on average; of an exponential distribution.
        boot: seconds from the start of a process until it serves.
        seed: of chance.
    """

    def __init__(
        self,
        aims: Aims,
        rate: Callable[[float], float],
        most_rate: float,
        *,
        run_seconds: float = 0.05,
        boot: float = 1.5,
        seed: int = 1,
    ):
        self._aims = aims
        self._rate, self._most_rate = rate, most_rate
        self._run_seconds, self._boot = run_seconds, boot
        self._chance = random.Random(seed)
        self._decider = Decider(aims)
        self.waits: list[tuple[float, float]] = []  # when it came, how long it waited
        self.wanted: list[tuple[float, int]] = []  # when it was decided for
        self._waiting: deque[float] = deque()
        self._serving = aims.range.least
        self._booting: deque[float] = deque()  # when each serves
        self._in_flight = 0
        self._arrived = self._completed = 0
        self._ran = 0.0

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        events = [(at, 0, "look", 0.0) for at in _ticks(seconds)]
        numbers = itertools.count(1)
        heapq.heapify(events)
        heapq.heappush(events, (self._next_arrival(0.0), next(numbers), "arrival", 0.0))
        while events:
            now, _, kind, took = heapq.heappop(events)
            if kind == "arrival":
                self._arrived += 1
                self._waiting.append(now)
                following = self._next_arrival(now)
                if following < seconds:
                    heapq.heappush(events, (following, next(numbers), "arrival", 0.0))
            elif kind == "end":
                self._in_flight -= 1
                self._completed += 1
                self._ran += took
            else:
                self._look(now)
            while self._waiting and self._in_flight < self._serving * self._aims.slots:
                came = self._waiting.popleft()
                self.waits.append((came, now - came))
                self._in_flight += 1
                takes = self._chance.expovariate(1 / self._run_seconds)
                heapq.heappush(events, (now + takes, next(numbers), "end", takes))

    def _next_arrival(self, now: float) -> float:
        while True:  # thinning: of arrivals at the highest rate, some are kept
            now += self._chance.expovariate(self._most_rate)
            if self._chance.random() < self._rate(now) / self._most_rate:
                return now

    def _look(self, now: float) -> None:
        while self._booting and self._booting[0] <= now:
            self._booting.popleft()
            self._serving += 1
        oldest = now - self._waiting[0] if self._waiting else 0.0
        load = Load(
            seconds=LOOK_EVERY,
            arrived=self._arrived,
            completed=self._completed,
            run_seconds=self._ran,
            in_flight=self._in_flight,
            depth=len(self._waiting),
            oldest_wait=oldest,
        )
        self._arrived = self._completed = 0
        self._ran = 0.0
        fleet = Fleet(self._serving, len(self._booting))
        wanted = self._decider.decide(now, load, fleet).wanted
        if not self.wanted or wanted != self.wanted[-1][1]:
            self.wanted.append((now, wanted))
        while self._serving + len(self._booting) < wanted:
            self._booting.append(now + self._boot)
        while self._serving + len(self._booting) > wanted and self._booting:
            self._booting.pop()
        self._serving = min(self._serving, wanted)

    def share_within(self, seconds: float) -> float:
        """Share of the requests that waited for no longer."""
        return sum(wait <= seconds for _, wait in self.waits) / len(self.waits)

    def turns(self, begin: float = 0.0, end: float = float("inf")) -> int:
        """How often the number of processes went down after it had gone up, or up after down."""
        numbers = [number for at, number in self.wanted if begin <= at < end]
        ways = [after > before for before, after in itertools.pairwise(numbers)]
        return sum(one != other for one, other in itertools.pairwise(ways))


def _ticks(seconds: float) -> Iterator[float]:
    return (number * LOOK_EVERY for number in range(1, int(seconds / LOOK_EVERY)))
