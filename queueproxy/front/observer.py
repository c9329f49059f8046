"""What may watch a request on its way through the front: the access log, a trace."""

from collections.abc import Sequence
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


class Observers:
    """Tells each of a request's observers; false where there is none."""

    def __init__(self, observers: Sequence[Observer] = ()):
        self._observers = observers

    def __bool__(self) -> bool:
        return bool(self._observers)

    def begins(self, request_id: str, peer: Peer) -> None:
        """Tell as `Observer.begins`."""
        for observer in self._observers:
            observer.begins(request_id, peer)

    def to_be_sent(self, head: RequestHead) -> RequestHead:
        """Tell as `Observer.to_be_sent`."""
        for observer in self._observers:
            head = observer.to_be_sent(head)
        return head

    def taken(self) -> None:
        """Tell as `Observer.taken`."""
        for observer in self._observers:
            observer.taken()

    def answered(self, head: ReplyHead) -> None:
        """Tell as `Observer.answered`."""
        for observer in self._observers:
            observer.answered(head)

    def refused(self, refusal: Refusal) -> None:
        """Tell as `Observer.refused`."""
        for observer in self._observers:
            observer.refused(refusal)


NO_OBSERVERS = Observers()
