"""Who else serves the queues of a supervisor: each does a part, and none does the whole twice."""

from collections.abc import Callable, Sequence

from ...broker.observe.processes import WorkerStats, read_workers
from ...broker.observe.scaling import SERVING_STATES, SupervisorScaling
from ...broker.observe.values import ValueReader
from ...records import Activation

LOOK_EVERY = 5.0  # seconds between two looks at the list of workers


class Others:
    """Supervisors and workers beside one supervisor's own.

    Args:
        values: of its owner.
        supervisor: ``host:pid`` of the one whose others these are.
        queues: that this one's processes serve.
        clock: seconds.

    Attributes:
        slots: of workers whose number is fixed, and that serve one of these queues.
    """

    def __init__(
        self,
        values: ValueReader,
        supervisor: str,
        queues: Sequence[str],
        clock: Callable[[], float],
    ):
        self._values = values
        self._supervisor = supervisor
        self._queues = queues
        self._clock = clock
        self._due = 0.0
        self.slots = 0

    def shares(self, capacity: int, supervisors: Sequence[SupervisorScaling]) -> dict[str, float]:
        """Tell which part of each queue's load is this supervisor's.

        Each has as large a part as it may have slots of all: limits stay, so that no two of them
        run after one another's numbers.

        Args:
            capacity: how many requests its processes may run at once at most.
            supervisors: all that follow the load, this one too.
        """
        others = [one for one in supervisors if one.serves and one.supervisor != self._supervisor]
        return {
            queue: capacity
            / (capacity + sum(one.reach * one.slots for one in others if queue in one.queues))
            for queue in self._queues
        }

    def look_if_due(self, activation: str | None, now_ms: int, clock_ms: int) -> None:
        """Count the slots of others anew, where that is some seconds ago.

        Args:
            activation: as in the state.
            now_ms: of the server's clock.
            clock_ms: of the lease clock.

        Raises:
            BrokerUnavailable: it could not be asked.
        """
        if self._clock() < self._due:
            return
        values = self._values
        active = (values.record(Activation, activation) if activation else None) or Activation(0)
        (ids,) = values.ask([("ZRANGE", values.keys.workers, 0, -1)])
        workers = read_workers(values, values.texts(ids), [], now_ms / 1000, clock_ms, active)
        self.slots = sum(map(self._slots, workers))
        self._due = self._clock() + LOOK_EVERY

    def _slots(self, worker: WorkerStats) -> int:
        counts = worker["state"] in SERVING_STATES and not worker.get("follows_load")
        return worker["threads"] if counts and set(worker["queues"]) & set(self._queues) else 0
