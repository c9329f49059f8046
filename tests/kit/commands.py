"""Management commands as processes of their own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Commands:
    """Runs management commands of one site.

    Args:
        directory: for their logs, one each.
        environ: of every process, with DJANGO_SETTINGS_MODULE.
        program: what Python runs them with.
    """

    def __init__(
        self,
        directory: Path,
        environ: dict[str, str],
        program: tuple[str, ...] = ("-m", "django"),
    ):
        self.directory = directory
        self.environ = {**environ, "PYTHONPATH": str(ROOT)}
        self._program = (sys.executable, *program)
        self.processes: list[subprocess.Popen] = []

    def manage(self, *words: str, cwd: Path = ROOT, **environ: str) -> subprocess.Popen:
        """Start a command in a session of its own; its output goes to ``process.log``."""
        log = self.directory / f"log{len(self.processes)}"
        process = subprocess.Popen(
            [*self._program, *words],
            cwd=cwd,
            env={**self.environ, **environ},
            stdout=log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        process.log = log
        self.processes.append(process)
        return process

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess:
        """Run a command to its end."""
        return subprocess.run(
            [*self._program, *words],
            cwd=ROOT,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )
