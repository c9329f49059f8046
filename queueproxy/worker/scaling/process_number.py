"""How many processes a supervisor keeps: always as many, or as many as load and memory ask for."""

import logging

from ..child_process import ChildProcess
from ..children import Children
from ..orders import Orders
from .follower import LoadFollower
from .load import Fleet
from .memory import MemoryShare

logger = logging.getLogger("queueproxy.worker")


class ProcessNumber:
    """Stands between a supervisor and those who follow load and memory.

    Args:
        follower: of the load; None where the number is fixed.
        memory: what all processes may take; None for no limit.
    """

    def __init__(self, follower: LoadFollower | None = None, memory: MemoryShare | None = None):
        self._follower = follower
        self._memory = memory
        self._set = 0  # the number as this has set it

    def begin(self, orders: Orders) -> None:
        """Begin to follow, once signals are taken."""
        if self._follower is not None:
            self._set = orders.processes
            self._follower.wake = orders.wake
            self._follower.start()

    def follow(self, orders: Orders, children: Children, *, reloads: bool) -> None:
        """Set in the orders how many there should be now; tell the follower how many there are.

        Args:
            reloads: whether processes are being replaced.
        """
        if self._follower is None:
            return
        if orders.processes != self._set:  # SIGTTIN, SIGTTOU
            self._follower.raise_least(orders.processes - self._set)
        staying = children.staying
        serving = [child for child in staying if child.serving]
        held = "" if serving else "none of them serves yet"
        held = "processes are being replaced" if reloads else held
        self._follower.fleet = Fleet(
            serving=len(serving),
            starting=len(staying) - len(serving),
            fits=self._memory.fits if self._memory else None,
            held=held,
            stands_by=bool(serving) and all(child.stands_by for child in serving),
        )
        orders.processes = self._set = self._follower.wanted

    def outgrown(self, children: Children, number: int) -> ChildProcess | None:
        """Find a process to replace, for it has taken more than its share of the memory.

        Args:
            number: how many there should be.
        """
        if self._memory is None:
            return None
        child = self._memory.grown(children.staying, number)
        if child is not None:
            text = self._memory.text(child, number)
            logger.warning(
                "Worker process %d has %s: it is replaced after its request.",
                child.process.pid,
                text,
            )
        return child

    def replacement_failed(self) -> None:
        """Hear that processes that were to be replaced stay."""
        if self._memory is not None:
            self._memory.put_off()

    def end(self) -> None:
        """Follow no more: all processes drain."""
        if self._follower is not None:
            self._follower.stop()

    def ended(self) -> None:
        """Wait for a moment until nobody counts with this supervisor any more."""
        if self._follower is not None:
            self._follower.stop()
            self._follower.join()
