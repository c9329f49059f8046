"""queueproxy pause and resume."""

import getpass
import socket
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from .. import conf
from ..broker.observe.pauses import Pause
from ..broker.observe.reader import SnapshotReader
from ..broker.operate.control import Control, longest_safe_pause
from ..route_table import OPS_QUEUE
from ..wording import printable
from .ask import DID_NOT_HOLD, DONE, chosen_queues
from .waiting_for import WaitingFor

LOOK_EVERY = 0.05  # seconds between looks at what is in flight
REASON = 200  # characters


def pause(command: BaseCommand, options: dict[str, Any]) -> int:
    """Pause; with --wait until nothing is in flight."""
    queues = chosen_queues(options["queues"])
    control = Control(conf.broker().link("control"))
    seconds = _length(command, queues, options["timeout"])
    control.pause(queues, seconds, by=me(), reason=options["reason"][:REASON])
    command.stdout.write(
        f"Paused {', '.join(queues)} for at most {seconds:.0f} s. "
        "To go on: manage.py queueproxy resume"
    )
    if not options["wait"]:
        return DONE
    waiting = WaitingFor(queues, lambda text: command.stderr.write(text, style_func=str))
    running = until_still(control, queues, time.monotonic() + seconds, waiting)
    if running == 0:
        command.stdout.write("Nothing is in flight.")
        return DONE
    if running is None:
        command.stderr.write("The pause has ended before nothing was in flight.")
    else:
        command.stderr.write(f"Still in flight: {running}.")
    return DID_NOT_HOLD


def resume(command: BaseCommand, options: dict[str, Any]) -> int:
    """Let the queues go on; where holds are broken on all of them, the operators' lane too."""
    queues = chosen_queues(options["queues"], also=(OPS_QUEUE,))
    if options["break_hold"] and not options["queues"]:
        queues = (OPS_QUEUE, *queues)
    control = Control(conf.broker().link("control"))
    resumed = control.resume(queues, rate=options["rate"], break_hold=options["break_hold"])
    still_held = _tell_what_holds(command, control.pauses(queues))
    not_paused = [queue for queue in options["queues"] if queue not in (*resumed, *still_held)]
    if resumed:
        pace = f" at {options['rate']:g} a second" if options["rate"] else ""
        command.stdout.write(f"Resumed {', '.join(resumed)}{pace}.")
    if not_paused:
        command.stderr.write(f"Not paused: {', '.join(not_paused)}.")
        return DID_NOT_HOLD
    if still_held:
        return DID_NOT_HOLD
    if not resumed:
        command.stdout.write("Nothing was paused.")
    return DONE


def _tell_what_holds(command: BaseCommand, pauses: list[Pause]) -> set[str]:
    """Name the holds among these pauses; the queues they hold."""
    held = {pause.queue for pause in pauses if pause.hold}
    owners = sorted({f"{pause.by} ({pause.reason})" for pause in pauses if pause.hold})
    if owners:
        command.stderr.write(
            printable(
                f"Still paused by the hold of {', '.join(owners)}: {', '.join(sorted(held))}. "
            )
            + "It ends with its command, or by resume --break-hold."
        )
    return held


def until_still(
    control: Control,
    queues: tuple[str, ...],
    deadline: float,
    waiting: WaitingFor,
    check: Callable[[], object] = lambda: None,
) -> int | None:
    """Wait until nothing is in flight: 0, or how many still are at the deadline.

    None where the pause has ended meanwhile, by itself or by somebody.

    Args:
        deadline: as of time.monotonic().
        waiting: tells a person what is waited for.
        check: called with each look; raises to end the waiting.
    """
    while True:
        check()
        still = control.stillness(queues)
        if not still.paused:
            return None
        if not still.in_flight:
            return 0
        if time.monotonic() >= deadline:
            waiting.tell()
            return still.in_flight
        waiting.tell_when_due()
        time.sleep(LOOK_EVERY)


def me() -> str:
    """Name who gives the command, for others to see."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no name for this user id, as in a container
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _length(command: BaseCommand, queues: tuple[str, ...], wanted: float | None) -> float:
    """Return the seconds the pause may last; say beforehand what that means for those who wait."""
    snapshot = SnapshotReader(conf.broker().link("control"), queues).snapshot()
    oldest = max((queue.oldest_wait_seconds for queue in snapshot.queues), default=0.0)
    hold = conf.get_settings().max_hold
    left = hold - oldest
    safe = longest_safe_pause(snapshot, queues, hold)
    if wanted is not None and wanted > left:
        command.stderr.write(
            f"A client held now is turned away after {max(0.0, left):.0f} s "
            f"of these {wanted:.0f} s (MAX_HOLD is {hold:g} s)."
        )
    elif wanted is None and safe < hold / 2:
        command.stderr.write(
            f"The oldest client has waited {oldest:.0f} s of {hold:g} s: "
            f"the pause can only be short. --timeout S makes it longer."
        )
    return safe if wanted is None else wanted
