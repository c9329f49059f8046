"""Worker processes beside a front, started as a person would: manage.py runqueueworker."""

import subprocess
import sys

MARGIN = 10.0  # seconds the supervisor may take beyond the workers' graceful timeout


class Workers:
    """While the context lasts, a supervisor with its workers runs.

    Args:
        processes: how many; None for none.
        threads: in each.
        graceful_timeout: seconds each may take to finish what it runs.
    """

    def __init__(self, processes: int | None, threads: int, graceful_timeout: float):
        self._processes = processes
        self._threads = threads
        self._graceful_timeout = graceful_timeout
        self._supervisor: subprocess.Popen | None = None

    def __enter__(self) -> "Workers":
        if self._processes:
            command = [
                *_this_program(),
                "runqueueworker",
                *("--processes", str(self._processes)),
                *("--threads", str(self._threads)),
                *("--graceful-timeout", str(self._graceful_timeout)),
            ]
            # A process group of its own: Ctrl-C in a terminal stops the front first, which still
            # needs workers for what it holds.
            self._supervisor = subprocess.Popen(command, start_new_session=True)
        return self

    def __exit__(self, *exc_info) -> None:
        if self._supervisor is None:
            return
        self._supervisor.terminate()
        try:
            self._supervisor.wait(self._graceful_timeout + MARGIN)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()


def _this_program() -> list[str]:
    """What management commands are given to: a script, or a module named by ``python -m``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is None:
        return [sys.executable, sys.argv[0]]
    return [sys.executable, "-m", spec.name.removesuffix(".__main__")]
