"""Processes of a candidate: starting and ending them, and what the kernel says they used."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
END_WITHIN = 15.0  # seconds
ROOT = Path(__file__).parents[1]


class Started:
    """One started command with all its children, in a process group of its own.

    Args:
        command: program and arguments.
        environ: the whole environment.
        log: takes the output.
    """

    def __init__(self, command: list[str], environ: Mapping[str, str], log: Path):
        self.log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the first process."""
        return self._process.pid

    def pids(self) -> list[int]:
        """The first process and all below it."""
        return [self.pid, *descendants(self.pid)]

    def check(self) -> None:
        """Raise RuntimeError with the end of its output where it has ended by itself."""
        if self._process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(self._process.args)} ended:\n{tail}")

    def stop(self) -> None:
        """Ask it to end; kill what is left of its group."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()


def wait_until(look, what: str, timeout: float = 30.0):
    """The first true value that `look` gives.

    Raises:
        RuntimeError: none came in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise RuntimeError(f"Not within {timeout:g} s: {what}")
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """Every process below this one."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(_after_name(path.read_text())[1])
        except (OSError, ValueError):
            continue  # it has just ended
        children.setdefault(parent, []).append(int(path.parent.name))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of all their threads so far, dead threads included."""
    total = 0
    for pid in pids:
        try:
            fields = _after_name(Path(f"/proc/{pid}/stat").read_text())
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_bytes(pids: Iterable[int]) -> int:
    """Proportional set size: what they share with each other is counted once."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += parse_pss(rollup)
    return total


def parse_pss(rollup: str) -> int:
    """The bytes of the ``Pss:`` line of a ``smaps_rollup``."""
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def _after_name(stat: str) -> list[str]:
    # A name may hold spaces and brackets: the fields begin after the last bracket.
    return stat.rpartition(")")[2].split()
