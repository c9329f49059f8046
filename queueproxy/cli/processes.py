"""queueproxy reload and stop."""

import signal
import time
from typing import Any

from django.core.management.base import BaseCommand

from .ask import DID_NOT_HOLD, DONE
from .project_processes import directory_text, running_or_refuse
from .run_files import FRONT, WORKERS, RunningProcess

LOOK_EVERY = 0.05  # seconds
WORDS = {FRONT: "front", WORKERS: "workers' supervisor"}


def reload(command: BaseCommand, options: dict[str, Any]) -> int:
    """Have all workers of this project on this machine replaced by fresh ones."""
    told = [one for one in _of(WORKERS) if _signal(command, one, signal.SIGHUP)]
    if not told:
        command.stderr.write(f"No workers of this project run here, by {directory_text()}.")
        return DID_NOT_HOLD
    command.stdout.write(f"Replaces its workers one by one: {_named(told)}.")
    return DONE


def stop(command: BaseCommand, options: dict[str, Any]) -> int:
    """Stop what runs of this project on this machine: fronts first, whose clients need workers."""
    until = time.monotonic() + options["timeout"]
    kinds = [options["what"]] if options["what"] else [FRONT, WORKERS]
    left, ended = [], []
    for kind in kinds:
        # A front stops the workers beside it once it needs them no more, and would replace them.
        stopped = [one for one in _of(kind) if not one.told.get("beside_front")]
        stopped = [one for one in stopped if _signal(command, one, signal.SIGTERM)]
        still = _still_running_at(stopped, until)
        left += still
        ended += [one for one in stopped if one not in still]
    if left:
        command.stderr.write(f"Still drains what it holds: {_named(left)}.")
        return DID_NOT_HOLD
    if not ended:
        command.stderr.write(f"Nothing that could be stopped runs here, by {directory_text()}.")
    else:
        command.stdout.write(f"Stopped: {_named(ended)}.")
    return DONE


def _of(kind: str) -> list[RunningProcess]:
    return [one for one in running_or_refuse() if one.kind == kind]


def _signal(command: BaseCommand, process: RunningProcess, number: int) -> bool:
    try:
        return process.signal(number)
    except PermissionError:
        command.stderr.write(f"Belongs to another user: {_named([process])}.")
        return False


def _still_running_at(processes: list[RunningProcess], until: float) -> list[RunningProcess]:
    while True:
        processes = [one for one in processes if one.runs()]
        if not processes or time.monotonic() > until:
            return processes
        time.sleep(LOOK_EVERY)


def _named(processes: list[RunningProcess]) -> str:
    return ", ".join(f"{WORDS[one.kind]} {one.pid}" for one in processes)
