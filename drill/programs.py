"""The programs that a story starts and ends, in a directory of its own."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.kit.ports import free_port
from tests.kit.waiting import wait_until

from .shop import BACKFILL_VARIABLE, RELEASE_FILE_VARIABLE

ROOT = Path(__file__).parents[1]
END_WITHIN = 300.0  # seconds a process may take to end by itself, migrations included
STOP_WITHIN = 5.0  # seconds each process may take when all is over
LOG_LINES = 20  # shown of a process that failed


class CommandFailed(Exception):
    """A command of the drill did not do what it is there for."""


class Programs:
    """Starts and stops real processes.

    Args:
        directory: for release files, logs and whatever the site writes.
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
        self._environ = {
            **os.environ,
            **environ,
            "DJANGO_SETTINGS_MODULE": "drill.shop.settings",
            "QUEUEPROXY_VAR": str(directory),
            BACKFILL_VARIABLE: str(backfill),
            RELEASE_FILE_VARIABLE: str(directory / "release"),
        }

    def deploy(self, release: int) -> None:
        """Put the code of a release on disk; what runs goes on as it is."""
        self._say(f"echo {release} > release")
        (self._directory / "release").write_text(str(release))

    def manage(self, *words: str, status: int = 0) -> str:
        """Run a management command to its end, of this exit status; what it told."""
        process = self._start(*words)
        self._ended(process, f"manage.py {' '.join(words)}", status)
        return self._told(process)

    def get(self, path: str) -> str:
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

    def _start(self, *words: str, release: int | None = None) -> subprocess.Popen:
        """Start a management command: of the release on disk, or of one with a file of its own."""
        return self._run("manage.py", *words, release=release)

    def _run(self, *words: str, release: int | None = None) -> subprocess.Popen:
        """Start Python."""
        typed = ("python" if word == sys.executable else word for word in words)
        self._say(f"python {' '.join(typed)}")
        environ = dict(self._environ)
        if release is not None:
            file = self._directory / f"release-{release}"
            file.write_text(str(release))
            environ[RELEASE_FILE_VARIABLE] = str(file)
        with self._log(len(self._running)).open("w") as output:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def _log(self, number: int) -> Path:
        return self._directory / f"log{number}"

    def _told(self, process: subprocess.Popen) -> str:
        return self._log(self._running.index(process)).read_text()

    def _until(self, look: Callable[[], object], process: subprocess.Popen, what: str) -> None:
        """Wait for something that a process, which must not end, brings about."""
        try:
            wait_until(lambda: look() or process.poll() is not None, what, timeout=60)
        except AssertionError as error:
            raise self._failure(process, str(error)) from error
        if process.poll() is not None:
            raise self._failure(process, f"{what} ended")

    def _terminate(self, process: subprocess.Popen, what: str) -> None:
        """Ask it to end, and wait."""
        self._say(f"kill -TERM {process.pid}")
        process.send_signal(signal.SIGTERM)
        self._ended(process, what)

    def _ended(self, process: subprocess.Popen, what: str, status: int = 0) -> None:
        """Wait for its end, with this status."""
        found = process.wait(END_WITHIN)
        if found != status:
            raise self._failure(process, f"{what} ended with status {found}")

    def _failure(self, process: subprocess.Popen, trouble: str) -> CommandFailed:
        last = "\n".join(self._told(process).splitlines()[-LOG_LINES:])
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
