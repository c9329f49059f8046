"""Keeps the last lines that a worker process writes to standard error until it is ready.

Until then that is a pipe, whose other end its supervisor reads and passes on; then it is again what
it would have been, so that nothing of what a worker writes later depends on its supervisor.
"""

import os
from contextlib import suppress

STDERR = 2
STDERR_VARIABLE = "QUEUEPROXY_WORKER_STDERR_FD"  # names the descriptor of what it is to be again
MOST_KEPT = 4096  # bytes
LINES = 8
MOST_A_LINE = 300  # characters


class BootLog:
    """The supervisor's end of one.

    Raises:
        OSError: there is no standard error, or no descriptor is left.
    """

    def __init__(self) -> None:
        self.original = os.dup(STDERR)
        try:
            self._reading, self.writing = os.pipe()
        except OSError:
            os.close(self.original)
            raise
        os.set_blocking(self._reading, False)
        self._kept = b""

    @property
    def environ(self) -> dict[str, str]:
        """The environment that tells the child."""
        return {STDERR_VARIABLE: str(self.original)}

    def started(self) -> None:
        """Let go of what is the child's."""
        os.close(self.writing)
        os.close(self.original)

    def read(self) -> None:
        """Pass on what has come."""
        with suppress(BlockingIOError):
            while data := os.read(self._reading, 65536):
                self._kept = (self._kept + data)[-MOST_KEPT:]
                with suppress(OSError):  # as it would be for the child
                    os.write(STDERR, data)

    @property
    def lines(self) -> list[str]:
        """The last lines, for people to see."""
        told = (line.rstrip() for line in self._kept.decode("utf-8", "replace").splitlines())
        return [line[:MOST_A_LINE] for line in told if line][-LINES:]

    def close(self) -> None:
        """Pass on what is left; read no more."""
        self.read()
        os.close(self._reading)


class OwnStderr:
    """The child's end: restores standard error once."""

    def __init__(self) -> None:
        told = os.environ.pop(STDERR_VARIABLE, None)
        self._original = None if told is None else int(told)
        if self._original is not None:
            os.set_inheritable(self._original, False)

    def restore(self) -> None:
        """Write from now on where the supervisor's log goes."""
        if self._original is not None:
            os.dup2(self._original, STDERR)
            os.close(self._original)
            self._original = None
