"""queueproxy hold: pause, prove that nothing runs, run a command, resume whatever happens."""

import shutil
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from .. import conf
from ..backoff import Backoff
from ..broker.operate.control import Control
from ..broker.operate.hold import Hold
from ..exceptions import BrokerUnavailable
from ..route_table import OPS_QUEUE
from ..wording import printable
from .ask import COULD_NOT_ASK, DID_NOT_HOLD, chosen_queues
from .foreground import ForegroundCommand, Interrupted
from .pause import me, until_still
from .release import activate_when_ready, is_there
from .waiting_for import WaitingFor

HOLD_LEASE = 10.0  # seconds a hold's pause outlives its process
HOLD_WAIT = 30.0  # seconds a hold waits for requests in flight, unless told


def hold(command: BaseCommand, options: dict[str, Any]) -> int:
    """Pause all, prove that nothing is in flight, run the command, resume; its exit status.

    With --then, and where the command went well: 1 where the release could not be activated.
    """
    words = options["command"]
    if shutil.which(words[0]) is None:
        raise CommandError(f"There is no command {words[0]!r}.", returncode=COULD_NOT_ASK)
    say = command.stderr.write  # the command's output alone goes to standard output
    if options["then"] and not _has_worker(options["then"]):
        say(f"There is no worker of {printable(options['then'])}; nothing was run.")
        return DID_NOT_HOLD
    queues = (OPS_QUEUE, *chosen_queues(()))  # the dashboard stops too: see /-/status
    with ForegroundCommand() as child:
        not_done = "nothing was run"
        try:
            pause = _RenewedPause(queues, " ".join(words), say)
            try:
                pause.begin()
                status = _run(child, words, queues, options["timeout"] or HOLD_WAIT, say)
                if status == 0 and options["then"]:
                    not_done = f"{printable(options['then'])} was not waited for any longer"
                    with child.interruptible():
                        status = activate_when_ready(options["then"], say, say)
                return status
            finally:  # also of a signal that comes while it begins
                pause.end()
        except Interrupted as interrupted:
            say(f"Interrupted by {interrupted}; {not_done}.")
            return 128 + interrupted.number


def _has_worker(release: str) -> bool:
    with conf.broker().link("control") as link:
        return is_there(link, release)


def _run(
    child: ForegroundCommand,
    words: list[str],
    queues: tuple[str, ...],
    wait: float,
    say: Callable[[str], object],
) -> int:
    control = Control(conf.broker().link("control"))
    waiting = WaitingFor(queues, say)
    running = until_still(control, queues, time.monotonic() + wait, waiting, child.check)
    if running is None:
        say("The pause has ended before nothing was in flight; nothing was run.")
        return DID_NOT_HOLD
    if running:
        say(f"Still in flight after {wait:g} s: {running}; nothing was run.")
        return DID_NOT_HOLD
    say(f"Paused {', '.join(queues)}; nothing is in flight.")
    try:
        return child.run(words)
    except OSError as error:
        raise CommandError(f"Can't run {words[0]!r}: {error}", returncode=COULD_NOT_ASK) from error


class _RenewedPause:
    """A pause that is renewed while its process lives, and ends by itself soon after.

    Args:
        queues: to pause.
        reason: shown to others.
        say: told what a person should know.
    """

    def __init__(self, queues: tuple[str, ...], reason: str, say: Callable[[str], None]):
        self._say = say
        self._hold = Hold(conf.broker().link("hold"), queues, HOLD_LEASE, by=me(), reason=reason)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def begin(self) -> None:
        """Pause, and renew that from now on. However it ends, call `end`."""
        self._hold.keep()
        self._thread.start()

    def _renew(self) -> None:
        told: list[str] = []
        backoff = Backoff()
        next_in = HOLD_LEASE / 4
        while not self._over.wait(next_in):
            try:
                resumed, anew = self._hold.keep()
            except BrokerUnavailable:
                next_in = backoff.failed()  # where it is refused to this process, others start
                continue
            backoff.succeeded()
            next_in = HOLD_LEASE / 4
            if anew:
                self._say("The broker had lost the pause; it is in force again.")
            if resumed != told:
                self._say(f"No longer paused: {', '.join(resumed)}. The command goes on.")
                told = resumed

    def end(self) -> None:
        """Let go, and say which queues go on; nothing where the broker was away from the start."""
        began = self._thread.ident is not None
        self._over.set()
        if began:
            self._thread.join()
        try:
            resumed = self._hold.end()
        except BrokerUnavailable as error:
            if began:
                self._say(f"The broker is away ({error}); the pause ends by itself.")
        else:
            self._say(f"Resumed {', '.join(resumed)}." if resumed else "Nothing was resumed.")
        self._hold.close()
