"""One tree of errors; the docstring of each class is its message."""


class QueueProxyError(Exception):
    """Something in queueproxy failed."""

    def __init__(self, message: str | None = None):
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class DecodeError(QueueProxyError):
    """An envelope or frame could not be read, or its signature does not hold."""


class UnknownVersion(DecodeError):
    """An envelope or frame is written in a wire version this release does not know."""


class BrokerUnavailable(QueueProxyError):
    """The broker could not be reached, or did not answer in time."""


class NotSent(BrokerUnavailable):
    """The broker could not be reached or refused: nothing that was sent to it was done."""


class BrokerFull(NotSent):
    """The broker has no room for this answer until fronts have read others (MAX_MEMORY)."""


class Fenced(QueueProxyError):
    """The broker has given this worker or front up; it must register again."""


class EpochChanged(QueueProxyError):
    """The broker is not the server this connection last agreed on (restart, failover, flush)."""


class SchemaMismatch(QueueProxyError):
    """The broker's state was written by a release that is not compatible with this one."""

    def __init__(self, found: str, needed: int):
        super().__init__(
            f"The broker's state has schema {found}, this release needs {needed}: use another "
            "NAMESPACE, or stop all processes of the other release and delete the namespace's keys."
        )


class ClientGone(QueueProxyError):
    """The client has left; nobody reads this answer."""


class BadResponse(QueueProxyError):
    """The view's answer is not valid HTTP."""


class CannotListen(QueueProxyError):
    """The address can't be listened on."""
