"""queueproxy pause, resume and hold."""

import getpass
import shutil
import signal
import socket
import subprocess
import threading
import time

from django.core.management.base import CommandError

from queueproxy import conf
from queueproxy.broker.control import Control
from queueproxy.broker.stats import Stats
from queueproxy.exceptions import BrokerUnavailable

from ._ask import COULD_NOT_ASK, DID_NOT_HOLD, DONE, chosen_queues, open_link

LOOK_EVERY = 0.05  # seconds between looks at what is in flight
MARGIN = 5.0  # seconds before the first held client would be turned away
SHORTEST = 1.0  # seconds
HOLD_LEASE = 10.0  # seconds a hold's pause outlives its process
HOLD_WAIT = 30.0  # seconds a hold waits for requests in flight, unless told


def pause(command, options: dict) -> int:
    """Pause; with --wait until nothing is in flight."""
    queues = chosen_queues(options["queues"])
    control = Control(open_link())
    seconds = options["timeout"] or _until_clients_leave(queues)
    control.pause(queues, seconds, by=_me(), reason=options["reason"])
    command.stdout.write(
        f"Paused {', '.join(queues)} for at most {seconds:.0f} s. "
        "To go on: manage.py queueproxy resume"
    )
    if not options["wait"]:
        return DONE
    if _until_idle(control, queues, time.monotonic() + seconds):
        command.stdout.write("Nothing is in flight.")
        return DONE
    command.stderr.write("Requests are still in flight, or the pause has ended.")
    return DID_NOT_HOLD


def resume(command, options: dict) -> int:
    """Let the queues go on."""
    queues = chosen_queues(options["queues"])
    resumed = Control(open_link()).resume(queues, rate=options["rate"])
    if not resumed:
        command.stdout.write("Nothing was paused.")
        return DONE if not options["queues"] else DID_NOT_HOLD
    command.stdout.write(f"Resumed {', '.join(resumed)}.")
    return DONE


def hold(command, options: dict) -> int:
    """Pause all, prove that nothing is in flight, run the command, resume whatever happens."""
    words = options["command"]
    if shutil.which(words[0]) is None:
        raise CommandError(f"There is no command {words[0]!r}.", returncode=COULD_NOT_ASK)
    queues = chosen_queues(())
    with _Hold(queues, " ".join(words)) as held:
        wait = options["timeout"] or HOLD_WAIT
        if not _until_idle(held.control, queues, time.monotonic() + wait):
            command.stderr.write(
                f"Requests were still in flight after {wait:g} s; nothing was run."
            )
            return DID_NOT_HOLD
        return _run(words)


class _Hold:
    """A pause that is renewed while its process lives, and ends by itself soon after.

    Args:
        queues: to pause.
        reason: shown to others.
    """

    def __init__(self, queues: tuple[str, ...], reason: str):
        self.control = Control(open_link())
        self._renewing = Control(open_link("hold"))
        self._queues = queues
        self._reason = reason
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> "_Hold":
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        self._pause(self.control)
        self._thread.start()
        return self

    def _pause(self, control: Control) -> None:
        control.pause(self._queues, HOLD_LEASE, by=_me(), reason=self._reason)

    def _renew(self) -> None:
        while not self._over.wait(HOLD_LEASE / 4):
            try:
                self._pause(self._renewing)
            except BrokerUnavailable:
                pass  # nothing starts while the broker is away; tried again

    def __exit__(self, *exc_info) -> None:
        self._over.set()
        self._thread.join()
        try:
            self.control.resume(self._queues)
        except BrokerUnavailable:
            pass  # the pause ends by itself


def _run(words: list[str]) -> int:
    process = subprocess.Popen(words)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        status = process.wait()
    return 128 - status if status < 0 else status


def _interrupt(*_) -> None:
    raise KeyboardInterrupt


def _until_idle(control: Control, queues: tuple[str, ...], deadline: float) -> bool:
    """Whether nothing was in flight before the deadline, or before somebody resumed."""
    while control.in_flight(queues):
        if time.monotonic() >= deadline or not control.paused(queues):
            return False
        time.sleep(LOOK_EVERY)
    return control.paused(queues)


def _until_clients_leave(queues: tuple[str, ...]) -> float:
    """As long as nobody who waits now is turned away."""
    snapshot = Stats(open_link(), queues).snapshot()
    oldest = max((queue.oldest_wait_seconds for queue in snapshot.queues), default=0.0)
    return max(SHORTEST, conf.get_settings().max_hold - oldest - MARGIN)


def _me() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no name for this user id, as in a container
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
