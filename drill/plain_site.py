"""The same site without a queue, for contrast: gunicorn, as it is."""

import signal

from tests.kit.processes import Process

from .programs import Programs

PROCESSES, THREADS = 2, 4  # as many as the queue's workers have


class PlainSite(Programs):
    """Starts, stops and reloads gunicorn."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._gunicorn: Process | None = None
        self._commands.environ["HOME"] = str(self._directory)  # where it keeps a socket of its own

    def start(self) -> None:
        """Start it; wait until it answers."""
        words = ("-m", "gunicorn", "project.wsgi", "-b", f"127.0.0.1:{self.port}")
        sizes = ("--workers", str(PROCESSES), "--threads", str(THREADS))
        self._gunicorn = self._run(*words, *sizes)
        self._until(lambda: self.get("/login/"), self._gunicorn, "gunicorn")

    def stop_serving(self) -> None:
        """Let it finish what it runs, and end."""
        self._terminate(self._gunicorn, "gunicorn")

    def reload(self) -> None:
        """Ask for fresh code."""
        self._say(f"kill -HUP {self._gunicorn.pid}")
        self._gunicorn.send_signal(signal.SIGHUP)

    def metric(self, name: str) -> int:
        """Of nothing here: what waits does so where nobody counts it."""
        return 0
