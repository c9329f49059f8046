"""One worker process as its supervisor sees it."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence

from ..broker.observe.processes import RunningRequest
from ..wording import requests_text
from .boot_log import BootLog
from .process_words import GOODBYE, LEAVING, RETIRED, SERVING, STANDBY, STATUS_FD_VARIABLE

STOP_MARGIN = 5.0  # seconds beyond the graceful timeout before a process is killed


class ChildProcess:
    """A worker process and the pipe on which it tells its ids.

    Args:
        command: starts it.
        directory: where; None for here.

    Raises:
        OSError: it could not be started.
    """

    def __init__(self, command: Sequence[str], directory: str | None = None):
        log = self._log = BootLog()
        reading, writing = os.pipe()
        try:
            environ = {**os.environ, STATUS_FD_VARIABLE: str(writing), **log.environ}
            if directory is not None:
                environ["PWD"] = directory
            self.process = subprocess.Popen(
                command,
                env=environ,
                pass_fds=[writing, log.original],
                stderr=log.writing,
                cwd=directory,
            )
        except BaseException:
            os.close(reading)
            log.close()
            raise
        finally:
            os.close(writing)
            log.started()
        os.set_blocking(reading, False)
        self._status = reading
        self.worker = ""
        self.serving = False  # or ready to, where it stands by
        self.stands_by = False
        self.retired = False
        self.leaving = False
        self.said_goodbye = False
        self.started = time.monotonic()
        self.told_to_stop = False
        self._kill_at = 0.0

    @property
    def last_lines(self) -> list[str]:
        """What it wrote to standard error last, before it was ready."""
        return self._log.lines

    def read_status(self) -> None:
        """Take in what it has told: its worker id, that it serves, that a view keeps it from
        serving, that it holds nothing more. Pass on what it writes until it is ready.
        """
        self._log.read()
        try:
            lines = os.read(self._status, 65536).decode().splitlines()
        except BlockingIOError:
            return
        for line in lines:
            if line in (SERVING, STANDBY):
                self.serving, self.stands_by = True, line == STANDBY
            elif line == RETIRED:
                self.retired = True
            elif line == LEAVING:
                self.leaving = True
            elif line == GOODBYE:
                self.said_goodbye = True
            else:
                self.worker = line

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens where it has ended."""
        self.process.send_signal(number)

    def stop(self, graceful_timeout: float) -> None:
        """Ask it to drain within so many seconds."""
        if not self.told_to_stop:
            self.told_to_stop = True
            self._kill_at = time.monotonic() + graceful_timeout + STOP_MARGIN
            self.signal(signal.SIGTERM)

    def kill_if_late(self) -> None:
        """Kill it where it was asked to drain and has had its time."""
        if self.told_to_stop and time.monotonic() > self._kill_at:
            self.signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of the pipes."""
        os.close(self._status)
        self._log.close()


def death_text(pid: int, status: int, held: Sequence[RunningRequest]) -> str:
    """Word how a worker process ended, in a sentence.

    Args:
        status: as `subprocess.Popen.returncode` has it.
        held: the requests it ran, as `broker.observe` tells them.
    """
    words = f"Worker process {pid} {ending_text(status)}"
    return f"{words} while it ran {requests_text(held)}." if held else f"{words}."


def ending_text(status: int) -> str:
    """Word an exit status, as `subprocess.Popen.returncode` has it."""
    if status == 0:
        return "ended with status 0 in the middle of its work"
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
