"""Opens claimed requests: verifies and decodes them; refuses what comes too late."""

from ..envelopes import Codec, Envelope, NotRun
from ..exceptions import RequestExpired
from .broker_time import QUESTION, BrokerTime
from .claims import Claim, verified
from .link.links import Link
from .link.protocol import checked


class Opener:
    """Opens claimed requests, one at a time.

    Args:
        link: used by nobody else meanwhile.
        codec: verifies.
    """

    def __init__(self, link: Link, codec: Codec):
        self._link = link
        self._codec = codec
        self._time = BrokerTime()

    def open(self, claim: Claim) -> Envelope:
        """Verify and decode; see that it may still be started.

        Raises:
            DecodeError: it is malformed, altered, forged or too late; refuse it.
            BrokerUnavailable: the time could not be read now; call again.
        """
        envelope = verified(claim, self._codec)
        self._see_that_it_may_start(envelope, claim)
        return envelope

    def open_at_once(self, claim: Claim) -> Envelope | None:
        """Do what `open` does where the broker need not be asked for anything; else None."""
        if self._time.look_is_due:
            return None
        envelope = verified(claim, self._codec)
        allowed = self._time.allows(envelope.head.expires, envelope.head.hold_ms)
        return envelope if allowed else None

    def _see_that_it_may_start(self, envelope: Envelope, claim: Claim) -> None:
        head = envelope.head
        if self._time.look_is_due or not self._time.allows(head.expires, head.hold_ms):
            asked_at = self._time.asking()
            (answer,) = self._link.commands([QUESTION])
            self._time.told(checked(answer), asked_at)
            if not self._time.allows(head.expires, head.hold_ms):
                raise RequestExpired(self.proof(claim, envelope))

    def proof(self, claim: Claim, envelope: Envelope, database: str = "") -> str:
        """Prove to its front that it was not run; a worker lost before may have run it else.

        What happens once may be sent again whatever has become of earlier attempts.

        Args:
            database: in which it is to be run exactly once; empty for none.
        """
        if claim.attempt > 1 and not envelope.head.fenced:
            return ""
        word = NotRun(claim.id, claim.entry, claim.attempt, envelope.head.sending, database)
        return self._codec.prove_not_run(word, envelope.secret_index)
