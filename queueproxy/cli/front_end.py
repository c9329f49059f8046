"""Acts on the signals to a front with all that was started beside it, and says so."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..wording import count_text, printable, seconds_text
from .terminal import has_terminal
from .workers import Workers

MOST_NAMED = 3


def stopping_text(held: Sequence[Mapping[str, Any]], *, by_terminal: bool) -> str:
    """Word what is said as the front begins to stop.

    Args:
        held: the requests whose clients still wait.
        by_terminal: whether a person sits there, who has Ctrl-C.
    """
    if not held:
        return "Stopping."
    named = [
        f"{printable(request['method'])} {printable(request['path'])} "
        f"{seconds_text(request['seconds'])}"
        for request in held[:MOST_NAMED]
    ]
    if len(held) > MOST_NAMED:
        named.append(f"{len(held) - MOST_NAMED} more")
    again = "Ctrl-C again" if by_terminal else "a second signal"
    number = count_text(len(held), "request")
    stops = "to stop at once" if by_terminal else "stops at once"
    return f"Stopping: {number} still running ({', '.join(named)}); {again} {stops}."


class Hangup:
    """On SIGHUP, reloads the workers beside the front; ends it where its terminal has gone.

    Args:
        say: tells a person.
    """

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._had_terminal = has_terminal()
        self.workers: Workers | None = None

    def __call__(self, *_: object) -> None:
        if self._had_terminal and not has_terminal():
            os.kill(os.getpid(), signal.SIGTERM)  # nobody could stop it any more
        elif self.workers is not None and self.workers.reload():
            self._say("SIGHUP: the workers are replaced by fresh ones; the front goes on.")
        else:
            self._say("SIGHUP: there are no workers beside this front to replace; it goes on.")
