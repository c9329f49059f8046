"""``queueproxy`` commands that start at once: children of a process that has imported all.

Each has a process, settings, exit status and output of its own; only the second of processor time
that imports take is spent once for all.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.core.management import execute_from_command_line

from .commands import Commands
from .processes import ROOT

LONGEST = 60  # seconds until a command is killed
USED = (  # nothing of these reads settings while it is imported
    *("redis", "channels.apps", "queueproxy.management.commands.queueproxy"),
    *("queueproxy.cli.dead", "queueproxy.cli.pause", "queueproxy.cli.routes"),
    *("queueproxy.cli.status", "queueproxy.cli.hold", "queueproxy.checks"),
)


class ReadyCommands:
    """Runs commands of any site."""

    def __init__(self, process: subprocess.Popen[str]):
        self._process = process

    def run(self, site: Commands, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """As ``site.run("queueproxy", *words, **environ)``."""
        command = ("queueproxy", *words)
        with tempfile.TemporaryDirectory() as directory:
            out, err = Path(directory) / "out", Path(directory) / "err"
            order = (command, {**site.environ, **environ}, str(out), str(err))
            status = int(self._ask(json.dumps(order)))
            return subprocess.CompletedProcess(command, status, out.read_text(), err.read_text())

    def _ask(self, order: str) -> str:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        print(order, file=process.stdin, flush=True)
        return process.stdout.readline()


@contextlib.contextmanager
def ready_commands() -> Iterator[ReadyCommands]:
    """Start the process that imports; end it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env=Commands(ROOT, dict(os.environ)).environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield ReadyCommands(process)
    finally:
        process.communicate(timeout=LONGEST)  # it ends with its standard input


def serve() -> None:
    """Run the commands that standard input orders, one at a time; print the exit status of each."""
    for name in USED:
        importlib.import_module(name)
    gc.freeze()  # otherwise each child goes through all that was imported when it ends
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(*json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def become(words: list[str], environ: dict[str, str], out: str, err: str) -> None:
    """Run this command as if the process had been started for it."""
    signal.alarm(LONGEST)
    os.environ.clear()
    os.environ.update(environ)
    for number, name in enumerate((os.devnull, out, err)):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    sys.argv = ["__main__.py", *words]  # as `python -m django` has it
    execute_from_command_line(sys.argv)
    sys.exit()


if __name__ == "__main__":
    serve()
