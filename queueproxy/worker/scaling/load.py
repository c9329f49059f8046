"""What is measured, as plain values: the load of a supervisor's queues, and its own processes."""

from typing import NamedTuple


class Load(NamedTuple):
    """What came to the queues of a supervisor since it looked last, and what waits there now.

    Where more supervisors follow the load of a queue, it is this one's part of it.

    Attributes:
        seconds: since the look before; 0 for the first, which has nothing to compare with.
        arrived: requests put on the queues in that time.
        completed: requests answered in that time.
        run_seconds: that these ran, all together.
        in_flight: requests that run now.
        depth: requests that wait now and that another process could start.
        oldest_wait: seconds that the oldest of them has waited.
        other_slots: of processes whose number is fixed, and that serve these queues too.
        held: why no process should come or go for what waits now: a pause; empty for nothing.
    """

    seconds: float = 0.0
    arrived: float = 0.0
    completed: float = 0.0
    run_seconds: float = 0.0
    in_flight: float = 0.0
    depth: float = 0.0
    oldest_wait: float = 0.0
    other_slots: float = 0.0
    held: str = ""


class Fleet(NamedTuple):
    """The processes of a supervisor now.

    Attributes:
        serving: that serve.
        starting: that have been started, and do not serve yet.
        fits: how many the memory is enough for; None where that is not limited.
        held: why their number must stay as it is: a reload; empty for nothing.
        stands_by: whether their release is not the active one.
    """

    serving: int = 0
    starting: int = 0
    fits: int | None = None
    held: str = ""
    stands_by: bool = False

    @property
    def serves(self) -> bool:
        """Whether others may leave a part of the load to it."""
        return self.serving > 0 and not self.stands_by
