"""Who is measured: Django served directly, and through the queue."""

import sys
from dataclasses import dataclass

WSGI = "benchmarks.site.wsgi:application"
ASGI = "benchmarks.site.asgi:application"


@dataclass(frozen=True)
class Candidate:
    """One way to serve the site.

    Args:
        server: of the front where queued.
        processes, threads: that run views.
    """

    name: str
    server: str
    processes: int = 1
    threads: int = 1
    queued: bool = False

    @property
    def conn_max_age(self) -> int:
        """Seconds a database connection is kept: not at all where views run under ASGI."""
        return 0 if self.server in DIRECT_ASGI and not self.queued else 60

    def commands(self, port: int) -> dict[str, list[str]]:
        """By role, in order of their start."""
        if not self.queued:
            return {"server": [sys.executable, "-m", *DIRECT[self.server](self, port)]}
        django = [sys.executable, "-m", "django"]
        front = ["runqueueproxy", f"127.0.0.1:{port}", "--server", self.server]
        how_many = ["--processes", str(self.processes), "--threads", str(self.threads)]
        return {"front": [*django, *front], "worker": [*django, "runqueueworker", *how_many]}


def _gunicorn(candidate: Candidate, port: int) -> list[str]:
    words = ["gunicorn", "-b", f"127.0.0.1:{port}", "-w", str(candidate.processes)]
    if candidate.server == "gunicorn-gthread":
        words += ["-k", "gthread", "--threads", str(candidate.threads)]
    return [*words, "--log-level", "warning", "--no-control-socket", WSGI]


def _uvicorn(candidate: Candidate, port: int) -> list[str]:
    return ["uvicorn", "--port", str(port), "--no-access-log", "--log-level", "warning", ASGI]


def _daphne(candidate: Candidate, port: int) -> list[str]:
    return ["daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), ASGI]


def _granian(candidate: Candidate, port: int) -> list[str]:
    quiet = ["--no-ws", "--log-level", "warning", "--interface", "asgi"]
    return ["granian", "--host", "127.0.0.1", "--port", str(port), *quiet, ASGI]


DIRECT = {
    "gunicorn-sync": _gunicorn,
    "gunicorn-gthread": _gunicorn,
    "uvicorn": _uvicorn,
    "daphne": _daphne,
    "granian": _granian,
}
DIRECT_ASGI = ("uvicorn", "daphne", "granian")


def queued(server: str, processes: int, threads: int) -> Candidate:
    """Through the queue."""
    name = f"queued-{server}-{processes}x{threads}"
    return Candidate(name, server, processes, threads, queued=True)


BASELINE = Candidate("gunicorn-sync-1", "gunicorn-sync")
CANDIDATES = (
    BASELINE,
    Candidate("gunicorn-sync-2", "gunicorn-sync", processes=2),
    Candidate("gunicorn-gthread-4", "gunicorn-gthread", threads=4),
    Candidate("uvicorn", "uvicorn"),
    Candidate("daphne", "daphne"),
    Candidate("granian", "granian"),
    *(queued(server, p, t) for server in ("uvicorn", "daphne") for p in (1, 2) for t in (1, 4, 16)),
)
QUICK = ("gunicorn-sync-1", "queued-uvicorn-1x1")
