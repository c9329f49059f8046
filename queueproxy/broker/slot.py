"""What is said to the broker for one slot, and what is made of its answers; no I/O here.

A slot is the place of one request in a worker process: an executor thread, or one of those that run
at once on an event loop. `WorkerBroker` speaks for the one, `AsyncWorkerBroker` for all the others.
"""

from typing import NamedTuple

from ..exceptions import BrokerFull
from ..keys import Keys
from ..records import Held, parse
from ..signing import WIRE_VERSION
from .claims import Claim, Settlement, claim_of, settlement_arguments
from .frame_writing import NOTHING_WRITTEN, WrittenFrame
from .link.protocol import Arguments, Command, RedisReply, checked, unless_fenced
from .own_release import NO_RELEASE, OwnRelease
from .queue_order import QueueOrder

AGAIN = b"again"
IDLE = b"idle"
GONE = b"gone"
FULL = b"full"


class Idle(NamedTuple):
    """Nothing can be started now.

    Attributes:
        ms: until it is to be asked again, though no bell rings; 0 for no such time.
        barred: a queue not to be listened to until then; empty for none.
        standby: not empty where another release than this worker's is active.
    """

    ms: int
    barred: str = ""
    standby: str = ""


class Slot:
    """The place of one request at a time.

    Attributes:
        worker: id of the worker process (it changes when it had to register again).
        name: of the slot, and so of its lease: ``worker/number``.
        secret_index: that of the secret with which the request that it holds was signed.

    Args:
        worker: see above.
        number: of the slot in its process.
        queues: what it serves; the slots of one event loop have one order.
        max_memory: bytes of all in the broker.
        release: of the process.
    """

    def __init__(
        self,
        worker: str,
        number: int,
        queues: QueueOrder,
        max_memory: int,
        release: OwnRelease = NO_RELEASE,
    ):
        self.number = number
        self._release = release
        self.secret_index = 0
        self._queues = queues
        self._max_memory = max_memory
        self._call = 0
        self.work_as(worker)

    def work_as(self, worker: str) -> None:
        """Go on under another worker id, after the process has registered again."""
        self.worker = worker
        self.name = f"{worker}/{self.number}"

    def settle_and_claim(
        self, settlement: Settlement | None, claim: bool, written: WrittenFrame = NOTHING_WRITTEN
    ) -> Arguments:
        """List the arguments of the script of this name; the same until its answer was `taken`.

        Args:
            written: the frame of the settlement.
        """
        common = (self.worker, self.name, *self._release, self._call, int(claim), WIRE_VERSION)
        settling = settlement_arguments(settlement)
        return (*common, *settling, *written.arguments, self._max_memory, *self._queues)

    def taken(self, reply: RedisReply) -> Claim | Idle | None:
        """Read what ``settle_and_claim`` replied.

        Returns:
            None where it is to be called again at once; what was to be settled is.

        Raises:
            BrokerFull: nothing was done; call again with the same arguments in a while.
            Fenced: this worker has been given up; nothing was settled or claimed.
        """
        kind, *rest = unless_fenced(reply)
        if kind == FULL:
            raise BrokerFull
        if kind == AGAIN:
            return None
        self._call += 1
        if kind == IDLE:
            return Idle(rest[0], *map(bytes.decode, rest[1:]))
        return self._queues.claimed(claim_of(reply))

    def push(self, claim: Claim, written: WrittenFrame) -> Arguments:
        """List the arguments of the script ``push``."""
        lease = (self.worker, self.name, claim.id, claim.entry, claim.attempt)
        return (*lease, *written.arguments, self._max_memory)


def is_wanted(reply: RedisReply) -> bool:
    """Read what ``push`` replied: whether somebody reads the answer still.

    Raises:
        Fenced: the lease is lost; the answer is not this slot's to give.
        BrokerFull: nothing was done; call again in a while.
    """
    if reply == FULL:
        raise BrokerFull
    return bool(unless_fenced(reply) != GONE)


def held_command(keys: Keys, claim: Claim) -> Command:
    """Spell the command that asks whether a front holds a request (Redis HGET)."""
    return ("HGET", keys.named("held", claim.front), claim.id)


def is_held(claim: Claim, reply: RedisReply) -> bool:
    """Read the answer: whether a front holds this entry, not a later one of the same id.

    Raises:
        ErrorReply: the broker did not tell.
    """
    record: bytes | None = checked(reply)
    held = parse(Held, record) if record else None
    return held is not None and (held.queue, held.entry) == (claim.queue, claim.entry)
