"""Load by wrk, and what it saw."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
SCRIPT_OF_PATHS = Path(__file__).with_name("load_paths.lua")
MARK = "RESULT "
TIMEOUT = 60  # seconds an answer may take


class WrkMissing(Exception):
    """wrk is not installed (Debian: apt-get install wrk)."""

    def __str__(self) -> str:
        return self.__doc__


@dataclass(frozen=True)
class Seen:
    """What the clients of one run saw. Latencies in milliseconds."""

    requests: int
    seconds: float
    bytes: int
    errors: int
    p50: float
    p95: float
    p99: float
    worst: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds if self.seconds else 0.0


def require() -> str:
    """Where wrk is.

    Raises:
        WrkMissing: it is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise WrkMissing
    return found


@dataclass(frozen=True)
class Shot:
    """One call of wrk: from one thread, connections kept wherever the server keeps them.

    With `many_paths` the URL ends with their number, which each request in turn counts up to.
    """

    url: str
    connections: int
    seconds: float
    cookie: str = ""
    body: int = 0
    many_paths: bool = False

    def command(self) -> list[str]:
        """Program and arguments."""
        words = [require(), "-t1", f"-c{self.connections}", f"-d{max(1, round(self.seconds))}s"]
        words += ["--timeout", f"{TIMEOUT}s", "-s", str(self.script)]
        if self.cookie:
            words += ["-H", f"Cookie: {self.cookie}"]
        words.append(self.url)
        return [*words, "--", str(self.body)] if self.body else words

    @property
    def script(self) -> Path:
        """What wrk runs."""
        return SCRIPT_OF_PATHS if self.many_paths else SCRIPT

    def start(self) -> subprocess.Popen:
        """Begin; `finish` reads the result."""
        return subprocess.Popen(
            self.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def finish(self, process: subprocess.Popen) -> Seen:
        """Wait for the end of a started one."""
        output, _ = process.communicate(timeout=self.seconds + TIMEOUT + 30)
        return parse(output)

    def run(self) -> Seen:
        """From beginning to end."""
        return self.finish(self.start())


def parse(output: str) -> Seen:
    """The result line that `load.lua` writes among wrk's own lines.

    Raises:
        ValueError: there is none; its text is what wrk said instead.
    """
    line = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise ValueError(f"wrk gave no result: {output.strip()}")
    raw = json.loads(line.removeprefix(MARK))
    errors = ("connect", "read", "write", "timeout", "status")
    return Seen(
        requests=raw["requests"],
        seconds=raw["microseconds"] / 1e6,
        bytes=raw["bytes"],
        errors=sum(raw[name] for name in errors),
        p50=raw["p50"] / 1000,
        p95=raw["p95"] / 1000,
        p99=raw["p99"] / 1000,
        worst=raw["max"] / 1000,
    )
