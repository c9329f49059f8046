"""Who calls the scripts: fronts and workers as their own classes make them, one call at a time."""

from dataclasses import dataclass, field

from queueproxy.broker.claims import Claim, Settlement
from queueproxy.broker.encoded_request import EncodedRequest
from queueproxy.broker.front_broker import FrontBroker
from queueproxy.broker.own_release import OwnRelease
from queueproxy.broker.registration import WorkerRegistration
from queueproxy.broker.worker_broker import WorkerBroker

SLOTS = 2  # of a worker


class OfAnotherRelease(EncodedRequest, frozen=True):
    """A request in a wire version that no worker here knows."""

    def signed(self, codec, expires):
        queue, meta, _, *rest = super().signed(codec, expires)
        return (queue, meta, "99", *rest)


@dataclass
class FrontActor:
    """A front.

    Attributes:
        name: its id.
        asks: its side of the broker.
        number: of the last request that the broker has taken.
        ids: of all that it has sent, oldest first.
        read_upto: the last of its replies that it has read.
    """

    name: str
    asks: FrontBroker
    number: int = 0
    ids: list[str] = field(default_factory=list)
    read_upto: bytes = b"0-0"


@dataclass
class SlotActor:
    """One executor thread.

    Attributes:
        asks: its side of the broker.
        claim: what it runs.
        seq: of the next frame of its answer.
    """

    asks: WorkerBroker
    claim: Claim | None = None
    seq: int = 0

    def settlement(self, outcome: str, frame=None) -> Settlement:
        """How it ends what it runs."""
        return Settlement(self.claim, outcome, frame, "GET", 0.001, 200 if frame else 0)


@dataclass
class WorkerActor:
    """A worker process; it goes on to speak after it has been given up, as a stalled one does."""

    registration: WorkerRegistration
    slots: list[SlotActor]

    @property
    def id(self) -> str:
        return self.registration.worker

    @property
    def release(self) -> OwnRelease:
        return self.registration.release
