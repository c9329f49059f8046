"""What the kernel tells of processes: their state, children, memory and time (proc(5))."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
GONE = ("", "Z", "X")  # no such process, or no more than a line in the kernel's list


def state(pid: int) -> str:
    """One letter, such as R, S or T; empty where there is no such process."""
    try:
        return _fields(pid)[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(pid: int) -> bool:
    """Whether it has not ended."""
    return state(pid) not in GONE


def is_frozen(pid: int) -> bool:
    """Whether it is stopped (SIGSTOP)."""
    return state(pid) == "T"


def children(pid: int) -> list[int]:
    """Those it has started and not waited for, whichever of its threads did."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            pass  # that thread has just ended
    return sorted(found)


def descendants(pid: int) -> list[int]:
    """Every process below this one."""
    found = children(pid)
    return found + [below for child in found for below in descendants(child)]


def command_line(pid: int) -> str:
    """What it was started with; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def waits_in(pid: int) -> str:
    """The kernel's function in which its main thread waits; "0" where it runs, empty once ended."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def memory(pid: int, field: str = "VmRSS") -> int:
    """Resident bytes: now, or by VmHWM the most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"no {field} of {pid}")


def shared_memory(pids: Iterable[int]) -> int:
    """Bytes of all together; what they share with each other is counted once (PSS)."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue  # it has ended
        total += parse_pss(rollup)
    return total


def parse_pss(rollup: str) -> int:
    """The bytes of the ``Pss:`` line of a ``smaps_rollup``."""
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def cpu_seconds(*pids: int) -> float:
    """User and system time of all their threads so far, of those that have ended too."""
    total = 0
    for pid in pids:
        try:
            fields = _fields(pid)
        except OSError:
            continue  # it has ended
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def descriptors(pid: int) -> int:
    """How many files and sockets it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def _fields(pid: int) -> list[str]:
    """Those of its ``stat`` from the third on: a name may hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
