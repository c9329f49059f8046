"""The processes of the drill: a front, workers, and the commands an operator types."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.ports import free_port
from tests.waiting import wait_until

from .shop import BACKFILL_VARIABLE, RELEASE_FILE_VARIABLE

ROOT = Path(__file__).parents[1]
PROCESSES, THREADS = 2, 4  # of workers
END_WITHIN = 300.0  # seconds a process may take to end by itself, migrations included
STOP_WITHIN = 5.0  # seconds each process may take when all is over
LOG_LINES = 20  # shown of a process that failed


class CommandFailed(Exception):
    """A command of the drill did not do what it is there for."""


class System:
    """Starts and stops real processes, in a directory of its own.

    Args:
        directory: for the release file, logs and whatever the site writes.
        environ: where broker and database are.
        backfill: seconds each slow migration takes, at least.
        say: told every command, as an operator would type it.
    """

    def __init__(
        self, directory: Path, environ: dict[str, str], backfill: float, say: Callable[[str], None]
    ):
        self.port = free_port()
        self._directory = directory
        self._say = say
        self._running: list[subprocess.Popen] = []
        self._supervisor: subprocess.Popen | None = None
        self._release_file = directory / "release"
        self._environ = {
            **os.environ,
            **environ,
            "DJANGO_SETTINGS_MODULE": "drill.shop.settings",
            "QUEUEPROXY_VAR": str(directory),
            BACKFILL_VARIABLE: str(backfill),
            RELEASE_FILE_VARIABLE: str(self._release_file),
        }

    # What an operator does.

    def deploy(self, release: int) -> None:
        """Put the code of a release on disk; what runs goes on as it is."""
        self._say(f"echo {release} > release")
        self._release_file.write_text(str(release))

    def start_front(self) -> None:
        """Start it and wait until it is ready."""
        front = self._start("runqueueproxy", f"127.0.0.1:{self.port}", "--server", "uvicorn")
        self._until(lambda: self._get("/-/readyz"), front, "the front")

    def start_workers(self) -> None:
        """Start them and wait until all are registered."""
        options = ("--processes", str(PROCESSES), "--threads", str(THREADS))
        self._supervisor = self._start("runqueueworker", *options)
        self._until(lambda: self.metric("workers") >= PROCESSES, self._supervisor, "the workers")

    def stop_workers(self) -> None:
        """Let them finish what they run, and end."""
        self._say(f"kill -TERM {self._supervisor.pid}")
        self._supervisor.send_signal(signal.SIGTERM)
        self._ended(self._supervisor, "the workers")

    def reload_workers(self) -> None:
        """Ask for fresh code, one process at a time."""
        self._say(f"kill -HUP {self._supervisor.pid}")
        self._supervisor.send_signal(signal.SIGHUP)

    def manage(self, *words: str) -> None:
        """Run a management command to its end."""
        self._ended(self._start(*words), f"manage.py {' '.join(words)}")

    def migrate_under_hold(self, migration: str) -> None:
        """Pause, migrate the shop, resume: one command."""
        migrate = ("--", sys.executable, "manage.py", "migrate", "shop", migration)
        self.manage("queueproxy", "hold", *migrate)

    # What is there to be seen.

    def metric(self, name: str) -> int:
        """A gauge of the front's, summed over its labels."""
        lines = self._get("/-/metrics").splitlines()
        samples = [line for line in lines if line.startswith(f"queueproxy_{name}{{")]
        return round(sum(float(line.rsplit(" ", 1)[1]) for line in samples))

    def _get(self, path: str) -> str:
        """The body of a 200, else nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()
        return body if response.status == 200 else ""

    # Processes.

    def _start(self, *words: str) -> subprocess.Popen:
        self._say(_typed(("python", "manage.py", *words)))
        log = self._log(len(self._running))
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env=self._environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def _log(self, number: int) -> Path:
        return self._directory / f"log{number}"

    def _until(self, look: Callable[[], object], process: subprocess.Popen, what: str) -> None:
        """Wait for something that a process, which must not end, brings about."""
        try:
            wait_until(lambda: look() or process.poll() is not None, what, timeout=60)
        except AssertionError as error:
            raise self._failure(process, str(error)) from error
        if process.poll() is not None:
            raise self._failure(process, f"{what} ended")

    def _ended(self, process: subprocess.Popen, what: str) -> None:
        """Wait for its good end."""
        status = process.wait(END_WITHIN)
        if status != 0:
            raise self._failure(process, f"{what} ended with status {status}")

    def _failure(self, process: subprocess.Popen, trouble: str) -> CommandFailed:
        log = self._log(self._running.index(process)).read_text()
        last = "\n".join(log.splitlines()[-LOG_LINES:])
        return CommandFailed(f"{trouble}\n{last}")

    def stop(self) -> None:
        """End every process, the last one first, and whatever it started.

        After a good end nobody waits any more, so that all end at once.
        """
        for process in reversed(self._running):
            if process.poll() is None:
                _end(process)


def _end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _typed(words: Sequence[str]) -> str:
    return " ".join("python" if word == sys.executable else word for word in words)
