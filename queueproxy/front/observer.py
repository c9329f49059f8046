"""What may watch a request on its way through the front: the access log, a trace."""

from typing import Protocol

from ..envelopes import ReplyHead, RequestHead
from .http.headers import Peer
from .http.refusals import Refusal


class Observer(Protocol):
    """Follows one request. Called in this order, as far as it comes; each once, but `taken`."""

    def begins(self, request_id: str, peer: Peer) -> None:
        """Note that a request is looked at.

        Args:
            request_id: what people know it by.
            peer: who asks, as far as trusted proxies tell.
        """

    def to_be_sent(self, head: RequestHead) -> RequestHead:
        """Note how it goes to the broker; return the head, perhaps with other headers."""

    def taken(self) -> None:
        """Note that the broker has taken it, or has taken it again after it had lost it."""

    def answered(self, head: ReplyHead) -> None:
        """Note the first frame of a worker's answer, before the client gets it."""

    def refused(self, refusal: Refusal) -> None:
        """Note the front's own answer, before the client gets it."""
