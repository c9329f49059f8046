"""Programs that are started, watched and ended for sure."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from .waiting import wait_until

ROOT = Path(__file__).parents[2]  # of the project
STARTS_WITHIN = 60.0  # seconds, on a busy machine
END_WITHIN = 15.0  # seconds
SHOWN = 20  # lines of a process that has failed
Seen = TypeVar("Seen")


class EndedEarly(Exception):
    """A process ended that was still needed."""


class Process(subprocess.Popen[bytes]):
    """A program in a session of its own, with nothing to read; its output goes to a file.

    Args:
        words: program and arguments.
        log: the file.
        environ: the whole environment; this process's own where it is None.
        cwd: where it runs.
        append: whether to write behind what is in the file.
        pass_fds: descriptors that it inherits.

    Attributes:
        words: it was started with.
        log: what it writes.
    """

    def __init__(
        self,
        words: Sequence[str],
        log: Path,
        *,
        environ: Mapping[str, str] | None = None,
        cwd: Path | str = ROOT,
        append: bool = False,
        pass_fds: Sequence[int] = (),
    ):
        self.log = log
        self.words = words
        with log.open("a" if append else "w") as output:
            super().__init__(
                words,
                cwd=cwd,
                env=environ,
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def told(self) -> str:
        """All it has written so far."""
        return self.log.read_text(errors="replace")

    def last_words(self) -> str:
        """The end of what it has written."""
        return "\n".join(self.told().splitlines()[-SHOWN:])

    def check(self) -> None:
        """See that it runs.

        Raises:
            EndedEarly: it has ended; with its last words.
        """
        if self.poll() is not None:
            words = " ".join(self.words)
            raise EndedEarly(f"{words} ended with {self.returncode}:\n{self.last_words()}")

    def until(self, look: Callable[[], Seen], what: str, timeout: float = STARTS_WITHIN) -> Seen:
        """Wait for something that this process, which must not end, brings about.

        Returns:
            The first true value that `look` gives.

        Raises:
            EndedEarly: it has ended; with its last words.
            AssertionError: nothing came in time.
        """

        def seen() -> Seen:
            self.check()
            return look()

        return wait_until(seen, f"{what}: {self.log}", timeout)


def end(processes: Iterable[subprocess.Popen[bytes]], within: float = END_WITHIN) -> None:
    """Ask all to end, the last one first; then kill what is left of their process groups.

    Args:
        processes: each the leader of its group, as a `Process` is.
        within: seconds until those are killed that have not ended.
    """
    all_of_them = list(processes)
    for process in reversed(all_of_them):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + within
    for process in all_of_them:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
