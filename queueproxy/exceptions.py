"""One tree of errors; the docstring of each class is its message."""


class QueueProxyError(Exception):
    """Something in queueproxy failed."""

    def __init__(self, message: str | None = None):
        # Without docstrings (``python -OO``) its name has to do.
        words = (self.__doc__ or type(self).__name__).strip()
        super().__init__(message or words.splitlines()[0])


class DecodeError(QueueProxyError):
    """An envelope or frame could not be read, or its signature does not hold.

    Attributes:
        reason: why a worker refuses a request it claimed, as its front and people are told.
        proof: that it was not run, where the worker gives one (see envelopes.NotRun).
    """

    reason = "malformed"
    proof = ""


class BadSignature(DecodeError):
    """A signature does not hold: altered, forged, or signed with another key."""

    reason = "bad_signature"
    HINT = (
        "Front and worker need the same SECRET_KEY, or each other's in SECRET_KEY_FALLBACKS, and "
        "the same SIGNING. If they have, somebody has altered it in the broker."
    )


class RequestExpired(DecodeError):
    """The request came later than its front has signed that it may be started."""

    reason = "signature_expired"

    def __init__(self, proof: str = ""):
        super().__init__()
        self.proof = proof


class UnknownVersion(DecodeError):
    """An envelope or frame is written in a wire version this release does not know."""


class BrokerUnavailable(QueueProxyError):
    """The broker could not be reached, or did not answer in time."""


class NotSent(BrokerUnavailable):
    """The broker could not be reached or refused: nothing that was sent to it was done."""


class ErrorReply(BrokerUnavailable):
    """The broker answered a command with an error.

    Args:
        command: its name.
        reply: the error as the server sent it; its first word is its code (MISCONF, NOPERM, ...).
    """

    VERB = "answers with an error to"

    def __init__(self, command: str, reply: str):
        self.command = command
        self.code = reply.partition(" ")[0]
        super().__init__(f"The broker {self.VERB} {command}: {reply}")


class BrokerRefused(ErrorReply, NotSent):
    """The broker refused a command: it was not run. It may be allowed again at any time."""

    VERB = "refuses"


class ScriptFailed(ErrorReply):
    """A script broke off: what it had done by then stays done."""

    VERB = "broke off"


class ScriptsUnreadable(QueueProxyError):
    """The files of the scripts could not be read."""


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


class BodyUnreadable(QueueProxyError, OSError):
    """The rest of the request's body can't be read."""


class StreamEnded(QueueProxyError):
    """A stream was ended because its worker drains (STREAM_GRACE)."""


class BadResponse(QueueProxyError):
    """The view's answer is not valid HTTP."""


class CannotListen(QueueProxyError):
    """The address can't be listened on."""
