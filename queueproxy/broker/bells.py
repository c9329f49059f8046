"""The bells that an idle executor thread blocks on, and what it does where it may not block."""

import logging
from collections.abc import Callable, Sequence

from ..exceptions import BrokerRefused
from ..keys import Keys
from .claims import Claim
from .link.protocol import Command
from .slot import Idle

logger = logging.getLogger("queueproxy.worker")

BLOCK_FOR = 15.0  # seconds an idle thread waits for a bell before it looks by itself
LOOK_EVERY = 1.0  # seconds between looks of a thread that can't block


class Bells:
    """Chooses the bells one thread listens to: those of its queues, and that of its own worker.

    Args:
        keys: of the namespace.
        queues: what the thread serves.
        worker: id of its process.
        on_standing: called where this thread has learnt that its worker serves, or stands by, from
            now on.
    """

    def __init__(
        self,
        keys: Keys,
        queues: Sequence[str],
        worker: str,
        on_standing: Callable[[], object] = lambda: None,
    ):
        self._on_standing = on_standing
        self._keys = keys
        self._queues = tuple(queues)
        self._of_queues = self._bells_but("")
        self._not_heard = ("", "")
        self._stands_by: bool | None = None  # not known yet
        self.work_as(worker)
        self._block = BLOCK_FOR
        self._deaf = False  # the broker refuses to block

    def work_as(self, worker: str) -> None:
        """Listen to the bell of this worker from now on: it calls to stop, or to look."""
        self._of_worker = self._keys.named("bell", f"@{worker}")

    def listen_after(self, taken: Claim | Idle) -> None:
        """Choose what to listen to next, and for how long.

        A pause ends, or a pace goes on, without anybody ringing. A queue that is barred is not
        listened to; and none is by whoever stands by: its worker's own bell calls it to begin. What
        was said of that before a claim holds no longer after it.
        """
        ms, barred, standby = taken if isinstance(taken, Idle) else Idle(0)
        self._block = min(BLOCK_FOR, ms / 1000) if ms else BLOCK_FOR
        if (barred, standby) != self._not_heard:
            self._not_heard = (barred, standby)
            self._of_queues = () if standby else self._bells_but(barred)
        if bool(standby) != self._stands_by:
            self._stands_by = bool(standby)
            self._on_standing()

    def _bells_but(self, barred: str) -> tuple[str, ...]:
        return tuple(self._keys.named("bell", queue) for queue in self._queues if queue != barred)

    def command(self, at_most: float = BLOCK_FOR) -> Command:
        """Spell the command that waits for a bell (Redis BLPOP), for so many seconds at most."""
        return ("BLPOP", *self._of_queues, self._of_worker, min(self._block, at_most))

    def heard(self) -> None:
        """Note that the broker took the command."""
        if self._deaf:
            logger.info("The broker takes BLPOP again.")
        self._deaf = False

    def refused(self, error: BrokerRefused) -> None:
        """Note that it refused it: look every LOOK_EVERY seconds instead.

        Raises:
            BrokerRefused: it was another.
        """
        if error.command != "BLPOP":
            raise error
        if not self._deaf:
            logger.warning("%s. Looking for requests every %g s.", error, LOOK_EVERY)
        self._deaf = True
