"""Options by which a supervisor follows the load, and keeps within a memory."""

import argparse
from typing import Any

from django.core.management.base import CommandError, CommandParser

from .. import conf
from ..route_table import OPS_QUEUE
from ..setting_rules import SHORTEST_TARGET_WAIT
from ..sizes import bytes_of
from ..worker.options import WorkerOptions
from ..worker.process_info import STATM
from ..worker.scaling.decision import Aims
from ..worker.scaling.follower import LoadFollower
from ..worker.scaling.memory import MemoryShare
from ..worker.scaling.process_number import ProcessNumber
from ..worker.scaling.process_range import ProcessRange, processes_of
from .options import nonnegative_seconds

HOW_MANY = "worker processes: 4, or as many as the load needs: 2..16"


def process_number(text: str) -> int | ProcessRange:
    """Parse how many processes: ``4``, or ``2..16``."""
    try:
        return processes_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def memory_size(text: str) -> int:
    """Parse a size of memory, with its unit, as bytes."""
    try:
        return bytes_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def target_wait(text: str) -> float:
    """Parse how long a request may wait, as seconds."""
    seconds = nonnegative_seconds(text)
    if seconds < SHORTEST_TARGET_WAIT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is too short: {SHORTEST_TARGET_WAIT * 1000:g}ms is the least"
        )
    return seconds


def scale_down_after(text: str) -> float:
    """Parse how long fewer processes must have been enough, as seconds."""
    seconds = nonnegative_seconds(text)
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is too short: 1s is the least")
    return seconds


def add_scaling(parser: CommandParser) -> None:
    """Add the options to a command."""
    parser.add_argument(
        "--processes",
        type=process_number,
        default=1,
        metavar="N",
        help=HOW_MANY,
    )
    parser.add_argument(
        "--target-wait",
        type=target_wait,
        metavar="S",
        help="with 2..16: how long a request may wait before there are more (default: TARGET_WAIT)",
    )
    parser.add_argument(
        "--scale-down-after",
        type=scale_down_after,
        metavar="S",
        help="with 2..16: for how long fewer must have been enough (default: SCALE_DOWN_AFTER)",
    )
    add_max_memory(parser)


def add_max_memory(parser: CommandParser, when: str = "") -> None:
    """Add the option that bounds what worker processes take.

    Args:
        when: begins its help.
    """
    text = "of all processes, 4GiB: one that grows past its share is replaced after its request"
    parser.add_argument("--max-memory", type=memory_size, metavar="SIZE", help=when + text)


def process_number_of(options: dict[str, Any], worker: WorkerOptions) -> ProcessNumber:
    """Make what says how many processes there should be.

    Args:
        options: of the command line.
        worker: what each process is told.

    Raises:
        CommandError: they contradict each other.
    """
    memory = _memory(options["max_memory"])
    processes = options["processes"]
    if not isinstance(processes, ProcessRange):
        for name in ("target_wait", "scale_down_after"):
            if options[name] is not None:
                flag = "--" + name.replace("_", "-")
                raise CommandError(
                    f"{flag} says when there are more or fewer processes: give a range, such as "
                    "--processes 2..16.",
                    returncode=2,
                )
        return ProcessNumber(memory=memory)
    if options["burst"]:
        raise CommandError(
            "--burst: what ends when nothing waits can't follow the load; say --processes N.",
            returncode=2,
        )
    settings = conf.get_settings()
    wait, after = options["target_wait"], options["scale_down_after"]
    aims = Aims(
        processes,
        worker.most_at_once,
        settings.target_wait if wait is None else wait,
        settings.scale_down_after if after is None else after,
    )
    queues = [queue for queue in worker.queues if queue != OPS_QUEUE]
    return ProcessNumber(LoadFollower(worker.broker, aims, queues), memory)


def _memory(most: int | None) -> MemoryShare | None:
    if most is None:
        return None
    if not STATM.exists():
        raise CommandError(
            "--max-memory: this system does not tell the memory of a process (no /proc).",
            returncode=2,
        )
    return MemoryShare(most)
