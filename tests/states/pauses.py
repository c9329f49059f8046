"""Pauses as they were asked for: a queue is paused until the latest end of those of all owners."""


class Pauses:
    """By queue and owner, when each ends: no sooner and no later (ms of the lease clock)."""

    def __init__(self):
        self._ends: dict[tuple[str, str], tuple[int, int]] = {}

    def begin(self, queue: str, owner: str, soonest: int, latest: int) -> None:
        """Pause, in the place of the same owner's pause before."""
        self._ends[queue, owner] = soonest, latest

    def end(self, queue: str, owner: str) -> None:
        """End one, where it is there."""
        self._ends.pop((queue, owner), None)

    def end_all(self, queue: str, but: str = "") -> None:
        """End everybody's pauses of a queue but this owner's."""
        for place in [*self._ends]:
            if place[0] == queue and place[1] != but:
                del self._ends[place]

    def stands(self, queue: str, owner: str, clock: int) -> bool:
        """Whether this one has certainly not ended."""
        return self._ends.get((queue, owner), (0, 0))[0] > clock

    def stop(self, queue: str, clock: int) -> bool:
        """Whether the queue is certainly paused."""
        return any(self.stands(queue, owner, clock) for q, owner in self._ends if q == queue)

    def may_stop(self, queue: str, clock: int) -> bool:
        """Whether it may be."""
        return any(latest > clock for (q, _), (_, latest) in self._ends.items() if q == queue)
