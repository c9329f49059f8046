"""Management commands as processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

from .processes import END_WITHIN, ROOT, Process, end

# A directory with an ``opentelemetry`` that can't be imported, as on most machines: redis-py
# imports the whole SDK where it is there, an eighth of each start.
WITHOUT_TRACING = str(ROOT / "tests" / "kit" / "without_tracing")


class Commands:
    """Runs management commands of one site.

    Args:
        directory: for their logs, one each.
        environ: of every process, with DJANGO_SETTINGS_MODULE.
        program: what Python runs them with.
    """

    may_trace = False  # whether its processes have OpenTelemetry

    def __init__(
        self,
        directory: Path,
        environ: dict[str, str],
        program: tuple[str, ...] = ("-m", "django"),
    ):
        self.directory = directory
        path = (str(ROOT),) if self.may_trace else (str(ROOT), WITHOUT_TRACING)
        self.environ = {**environ, "PYTHONPATH": os.pathsep.join(path)}
        self._program = (sys.executable, *program)
        self.processes: list[subprocess.Popen[bytes]] = []

    def manage(self, *words: str, cwd: Path | str = ROOT, **environ: str) -> Process:
        """Start a command in a session of its own; its output goes to ``process.log``."""
        return self.launch(*self._program, *words, cwd=cwd, **environ)

    def launch(self, *words: str, cwd: Path | str = ROOT, **environ: str) -> Process:
        """Start any program in the same way."""
        log = self.directory / f"log{len(self.processes)}"
        process = Process(words, log, environ={**self.environ, **environ}, cwd=cwd)
        self.processes.append(process)
        return process

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*self._program, *words],
            cwd=ROOT,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def stop(self, within: float = END_WITHIN) -> None:
        """End every process, and see that none is left."""
        end(self.processes, within)
