"""Somebody who does what the README says, letter by letter."""

import signal
import subprocess
from pathlib import Path

import httpx

from ..kit.ports import free_port
from ..kit.processes import Process
from ..kit.waiting import wait_until
from .steps import Step, apply

PRINTED_PORT = "8000"


class Newcomer:
    """A person with a shell.

    Args:
        directory: where they are.
        environ: of their shell.
    """

    def __init__(self, directory: Path, environ: dict[str, str]):
        self.directory = directory
        self.environ = environ
        self.said = ""  # by the last command

    def follow(self, step: Step) -> None:
        """Do one step: edit its file, or type its commands."""
        for block in step.blocks:
            if block.kind == "diff":
                file = self.directory / step.file
                file.write_text(apply(block.text, file.read_text()))
            else:
                for line in block.text.splitlines():
                    self.type(line)

    def type(self, line: str, **environ: str) -> str:
        """Run a command to its end; what it says on both outputs.

        Raises:
            AssertionError: it fails.
        """
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.directory,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}"
        return done.stdout

    def start(self, line: str) -> "Running":
        """Start a server in a terminal of its own, on a free port instead of the one printed."""
        port = free_port()
        assert PRINTED_PORT in line
        return Running(line.replace(PRINTED_PORT, str(port)), port, self)


class Running:
    """A server that runs until Ctrl-C.

    Args:
        line: that starts it, with its port.
        port: it listens on.
        newcomer: who starts it, where they are.
    """

    def __init__(self, line: str, port: int, newcomer: Newcomer):
        self.log = newcomer.directory.parent / f"log{port}"
        self.url = f"http://127.0.0.1:{port}"
        words = ("sh", "-c", f"exec {line}")
        self.process = Process(words, self.log, environ=newcomer.environ, cwd=newcomer.directory)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *exc_info) -> None:
        if self.process.poll() is None:
            self.ctrl_c()

    def ctrl_c(self) -> int:
        """Interrupt it; its exit status."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def client(self) -> httpx.Client:
        """A browser."""
        return httpx.Client(base_url=self.url, timeout=60, follow_redirects=True)

    def get(self, path: str) -> httpx.Response | None:
        """One page; None while nobody listens."""
        try:
            return httpx.get(self.url + path, timeout=60, follow_redirects=True)
        except httpx.TransportError:
            return None

    def page(self, path: str) -> httpx.Response:
        """One page, once somebody listens."""
        return wait_until(lambda: self.get(path), self.log.read_text(), 60)
