"""What the front can still do under a server that somebody else started."""

from collections.abc import Callable
from functools import partial


def cut(send: Callable) -> bool:
    """Break the connection of an answer, where an exception would not; whether that was done.

    ``daphne`` started by hand is such a case: an exception after the answer began ends the task
    that looks after all applications. Its ``send`` is a partial with the request in it.
    """
    if not isinstance(send, partial) or not send.args:
        return False
    channel = getattr(send.args[0], "channel", None)
    transport = getattr(channel, "transport", None)
    if not hasattr(transport, "abortConnection"):
        return False
    transport.abortConnection()
    return True
