"""The programs that a story starts and ends, in a directory of its own."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.kit.asking import get
from tests.kit.commands import Commands
from tests.kit.ports import free_port
from tests.kit.processes import EndedEarly, Process

from .shop import BACKFILL_VARIABLE, RELEASE_FILE_VARIABLE

END_WITHIN = 300.0  # seconds a process may take to end by itself, migrations included
Seen = TypeVar("Seen")


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
        site = {
            "DJANGO_SETTINGS_MODULE": "drill.shop.settings",
            "QUEUEPROXY_VAR": str(directory),
            BACKFILL_VARIABLE: str(backfill),
            RELEASE_FILE_VARIABLE: str(directory / "release"),
        }
        self._commands = Commands(directory, {**os.environ, **environ, **site})

    def deploy(self, release: int) -> None:
        """Put the code of a release on disk; what runs goes on as it is."""
        self._say(f"echo {release} > release")
        (self._directory / "release").write_text(str(release))

    def manage(self, *words: str, status: int = 0) -> str:
        """Run a management command to its end, of this exit status; what it told."""
        process = self._start(*words)
        self._ended(process, f"manage.py {' '.join(words)}", status)
        return process.told()

    def get(self, path: str) -> str:
        """The body of a 200, else nothing."""
        answer = get(self.port, path)
        return answer.body if answer.status == 200 else ""

    def _start(self, *words: str, release: int | None = None) -> Process:
        """Start a management command: of the release on disk, or of one with a file of its own."""
        return self._run("manage.py", *words, release=release)

    def _run(self, *words: str, release: int | None = None) -> Process:
        """Start Python."""
        typed = ("python" if word == sys.executable else word for word in words)
        self._say(f"python {' '.join(typed)}")
        own = {}
        if release is not None:
            file = self._directory / f"release-{release}"
            file.write_text(str(release))
            own[RELEASE_FILE_VARIABLE] = str(file)
        return self._commands.launch(sys.executable, *words, **own)

    def _until(self, look: Callable[[], Seen], process: Process, what: str) -> Seen:
        """Wait for something that a process, which must not end, brings about."""
        try:
            return process.until(look, what)
        except EndedEarly as error:
            raise CommandFailed(f"{what}: {error}") from error
        except AssertionError as error:
            raise _failure(process, str(error)) from error

    def _terminate(self, process: Process, what: str) -> None:
        """Ask it to end, and wait."""
        self._say(f"kill -TERM {process.pid}")
        process.send_signal(signal.SIGTERM)
        self._ended(process, what)

    def _ended(self, process: Process, what: str, status: int = 0) -> None:
        """Wait for its end, with this status."""
        found = process.wait(END_WITHIN)
        if found != status:
            raise _failure(process, f"{what} ended with status {found}")

    def stop(self) -> None:
        """End every process, the last one first, and whatever it started."""
        self._commands.stop()


def _failure(process: Process, trouble: str) -> CommandFailed:
    return CommandFailed(f"{trouble}\n{process.last_words()}")
