"""Counts what one executor thread does, and sends it to the broker's statistics now and then.

All three times are counted here, at the end of the answer: the claim tells how long the request
waited by the broker's clock, the thread knows how long it ran, and their sum is its whole time. A
front sees a little more of it, but would need trips of its own to tell.
"""

import time
from collections import Counter

from ..route_table import OPS_QUEUE
from .answered import AnsweredNotes
from .claims import Settlement
from .link.links import Link
from .observe.histogram import bucket_of
from .route_counts import RouteCounts, Timed

# Methods are the client's to choose, and each is a counter: what is rare shares one.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))
OTHER = "OTHER"
# Outcomes of what was run: one whose client left (a stream mostly ends so) has failed nobody.
NO_ANSWER = frozenset(("bad_response", "view_timeout"))
RUN = NO_ANSWER | {"answered", "abandoned"}
COUNT_EVERY = 0.25  # seconds between reports to the statistics
# Seconds between those of what is counted by route: the broker reads and writes a text for each.
ROUTES_EVERY = 2.0


class Counters:
    """Counts answers; not thread-safe.

    An answer is only noted when it is given and counted when the counts are taken: many in a row
    cost a third of what they would one by one, between two requests.
    """

    def __init__(self) -> None:
        self._answers: list[tuple[str, float, float, str, int, str]] = []
        self._runs: list[Timed] = []
        self._routes = RouteCounts()

    @property
    def completed(self) -> int:
        """How many answers were added since the last `take`."""
        return len(self._answers)

    def add(
        self, queue: str, waited: float, ran: float, method: str, status: int, once: str = ""
    ) -> None:
        """Count one answer; times in seconds, the last as in Settlement."""
        self._answers.append((queue, waited, ran, method, status, once))

    @property
    def pending(self) -> bool:
        """Whether anything was added since the last `take`."""
        return bool(self._answers or self._runs)

    @property
    def kept_back(self) -> bool:
        """Whether anything counted by route has not been handed out."""
        return bool(self._runs or self._routes)

    def add_run(self, run: Timed) -> None:
        """Count one request that was run, by its route, whether or not it was answered."""
        self._runs.append(run)

    def take(self, *, with_routes: bool = True) -> list[str | int]:
        """Hand out the arguments of the script ``add_counts`` from ``completed`` on, and count from
        zero.

        Args:
            with_routes: also what is counted by route; else that is kept for another time.
        """
        answers, self._answers = self._answers, []
        runs, self._runs = self._runs, []
        counts: Counter[tuple[str, str]] = Counter()
        for queue, waited, ran, method, status, once in answers:
            for what, seconds in (("wait", waited), ("run", ran), ("duration", waited + ran)):
                counts[queue, f"{what}:{bucket_of(seconds) + 1}"] += 1
                counts[queue, f"{what}:us"] += round(seconds * 1e6)
            counts[queue, f"code:{method if method in METHODS else OTHER}:{status}"] += 1
            if once:
                counts[queue, once] += 1
        self._routes.add(runs)
        routes = self._routes.take() if with_routes else []
        args: list[str | int] = [len(answers), len(routes) // 2, *routes]
        for (queue, name), number in counts.items():
            args += (queue, name, number)
        return args


class Counting:
    """Counts the answers of a worker, and says when the broker is to be told of them.

    Args:
        release: name of the worker's; empty for none.
    """

    def __init__(self, release: str = ""):
        self._release = release
        self._counters = Counters()
        self._notes = AnsweredNotes(0)
        self._due = self._routes_due = 0.0  # monotonic time

    def keep_answered(self, most: int) -> None:
        """Have the broker keep so many answered requests of each kind; 0 for none."""
        self._notes = AnsweredNotes(most)

    @property
    def pending(self) -> bool:
        """Whether anything was counted that the broker is to be told of now, or soon."""
        pending = self._counters.pending or bool(self._notes)
        return pending or (self.kept_back and self._seconds_to_routes <= 0)

    @property
    def kept_back(self) -> bool:
        """Whether anything was counted by route that the broker has not been told of."""
        return self._counters.kept_back

    @property
    def _seconds_to_routes(self) -> float:
        return self._routes_due - time.monotonic()

    def idle_for(self, most: float) -> float:
        """For how many seconds an idle thread may wait before it is to tell, `most` at most."""
        if self.pending:
            return COUNT_EVERY
        return max(COUNT_EVERY, self._seconds_to_routes) if self.kept_back else most

    @property
    def is_due(self) -> bool:
        """Whether it is to be told now: it has not been for COUNT_EVERY."""
        return self.pending and time.monotonic() >= self._due

    def settled(self, settlement: Settlement) -> None:
        """Count an answer that a client waits for, and by its route what was run."""
        claim, outcome, _, method, ran, status, _, once, route, *_ = settlement
        if claim.release is not None:
            return
        self._notes.add(settlement)
        waited = claim.waited_ms / 1000
        if outcome == "answered":
            self._counters.add(claim.queue, waited, ran, method, status, once)
        # The operators' lane is the page about the queue: its polls would be most of what is shown.
        if route and outcome in RUN and claim.queue != OPS_QUEUE:
            failed = status >= 500 or outcome in NO_ANSWER
            self._counters.add_run(Timed(route, waited, ran, failed))

    def take(self, worker: str, *, all_of_it: bool = False) -> tuple[str | int | bytes, ...]:
        """Hand out the arguments of the script ``add_counts``, and count from zero.

        Args:
            all_of_it: also what is counted by route, though it is not due yet.
        """
        with_routes = all_of_it or self._seconds_to_routes <= 0
        now = time.monotonic()
        self._due = now + COUNT_EVERY
        if with_routes:
            self._routes_due = now + ROUTES_EVERY
        completed, routes, *counted = self._counters.take(with_routes=with_routes)
        told = (worker, self._release, completed, routes, self._notes.kept)
        if not self._notes:
            return (*told, 0, 0, *counted)
        ordinary, notable = self._notes.take(worker, self._release).values()
        return (*told, len(ordinary), len(notable), *ordinary, *notable, *counted)


class CountReporter(Counting):
    """Counts a thread's answers and reports them to the broker's statistics now and then.

    Args:
        link: the thread's own.
        release: as for Counting.
    """

    def __init__(self, link: Link, release: str = ""):
        super().__init__(release)
        self._link = link

    def report_if_due(self, worker: str) -> None:
        """Report what was counted, where that was not done for COUNT_EVERY.

        Raises:
            BrokerUnavailable: what was counted is lost.
        """
        if self.is_due:
            self._link.script("add_counts", *self.take(worker))

    def report(self, worker: str) -> None:
        """Report all that was counted now. Args and errors as of `report_if_due`."""
        if self.pending or self.kept_back:
            self._link.script("add_counts", *self.take(worker, all_of_it=True))
