"""Acts on the signals to a front with all that was started beside it, and says so."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..wording import count_text, printable, seconds_text
from .fronts import Fronts
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
    """On SIGHUP, reloads what can be replaced; ends the front where its terminal has gone.

    Attributes:
        workers: beside the front, once there may be some.
        fronts: where there are several, each a process of its own.

    Args:
        say: tells a person.
    """

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._had_terminal = has_terminal()
        self.workers: Workers | None = None
        self.fronts: Fronts | None = None

    def __call__(self, *_: object) -> None:
        if self._had_terminal and not has_terminal():
            os.kill(os.getpid(), signal.SIGTERM)  # nobody could stop it any more
            return
        workers = self.workers is not None and self.workers.reload()
        if self.fronts is not None:
            self.fronts.replace()
            who = "the fronts and the workers" if workers else "the fronts"
            self._say(f"SIGHUP: {who} are replaced by fresh ones.")
        elif workers:
            self._say("SIGHUP: the workers are replaced by fresh ones; the front goes on.")
        else:
            self._say("SIGHUP: there are no workers beside this front to replace; it goes on.")
