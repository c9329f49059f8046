"""How many processes a supervisor runs: a number, or from so many to so many."""

import re
from typing import NamedTuple

from ...wording import count_text

MOST = 1000  # processes of one supervisor; more is a slip of the finger
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})", re.ASCII)


class ProcessRange(NamedTuple):
    """From ``least`` to ``most`` processes, as many as the load needs."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.least}..{self.most}"


def processes_of(text: str) -> int | ProcessRange:
    """Read ``4``, or ``2..16``.

    Raises:
        ValueError: it is neither, or no process could be run by it.
    """
    if _NUMBER.fullmatch(text) and int(text):
        return int(text)
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a whole number of at least 1, nor a range such as 2..16")
    least, most = int(match[1]), int(match[2])
    if least < 1:
        raise ValueError(f"{text!r} begins with 0: one process is the least")
    if most < least:
        raise ValueError(f"{text!r} ends before it begins: write {most}..{least}")
    if most > MOST:
        raise ValueError(f"{text!r} is more than the {MOST} that one supervisor runs")
    return ProcessRange(least, most)


def most_of(processes: int | ProcessRange) -> int:
    """Return how many there may be."""
    return processes.most if isinstance(processes, ProcessRange) else processes


def least_of(processes: int | ProcessRange) -> int:
    """Return how many there are at least."""
    return processes.least if isinstance(processes, ProcessRange) else processes


def processes_text(processes: int | ProcessRange) -> str:
    """Word them: ``4 processes``, ``2 to 16 processes``."""
    if isinstance(processes, ProcessRange):
        return f"{processes.least} to {count_text(processes.most, 'process', 'processes')}"
    return count_text(processes, "process", "processes")
