"""The site behind the queue: a front, workers, and the commands an operator types."""

import json
import signal
import sys

from queueproxy.worker.process_words import CANNOT_START
from tests.kit.processes import Process

from .programs import Programs

PROCESSES, THREADS = 2, 4  # of workers of each release
WORKERS = ("--processes", str(PROCESSES), "--threads", str(THREADS))


class System(Programs):
    """Starts and stops front and workers, and activates releases."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._supervisor: Process | None = None

    def start_front(self) -> None:
        """Start it and wait until it is ready."""
        front = self._start("runqueueproxy", f"127.0.0.1:{self.port}", "--server", "uvicorn")
        self._until(lambda: self.get("/-/readyz"), front, "the front")

    def start_workers(self) -> None:
        """Start them and wait until all are registered."""
        self._supervisor = self._start("runqueueworker", *WORKERS)
        self._until(lambda: self.metric("workers") >= PROCESSES, self._supervisor, "the workers")

    def stop_workers(self) -> None:
        """Let them finish what they run, and end."""
        self._terminate(self._supervisor, "the workers")

    def reload_workers(self) -> None:
        """Ask for fresh code, one process at a time."""
        self._say(f"kill -HUP {self._supervisor.pid}")
        self._supervisor.send_signal(signal.SIGHUP)

    def migrate_under_hold(self, migration: str) -> None:
        """Pause, migrate the shop, resume: one command."""
        migrate = ("--", sys.executable, "manage.py", "migrate", "shop", migration)
        self.manage("queueproxy", "hold", *migrate)

    # Releases, each in a directory of its own.

    def stand_by(self, release: int) -> None:
        """Start workers of it beside those that serve, and wait until one is ready."""
        process = self._start_release(release)
        self._until(lambda: "stands by" in process.told(), process, f"release {release}")

    def stand_by_in_vain(self, release: int) -> str:
        """Start workers of it that don't come up; why, as anybody is told who asks."""
        process = self._start_release(release)
        self._ended(process, f"release {release}", CANNOT_START)
        self.manage("queueproxy", "release", "activate", str(release), "--timeout", "1", status=1)
        (failure,) = json.loads(self.manage("queueproxy", "status", "--json"))["boot_failures"]
        return "\n".join((f"release {failure['release']}: {failure['ending']}", *failure["lines"]))

    def replace_workers(self, release: int) -> None:
        """Let named workers of the same code take over from those without a name."""
        self.stand_by(release)
        self.activate(release)
        self.stop_workers()

    def activate(self, release: int) -> None:
        """Let it serve, and no other."""
        self.manage("queueproxy", "release", "activate", str(release))

    def roll_back(self) -> None:
        """Let the release before serve again."""
        self.manage("queueproxy", "release", "rollback")

    def releases(self) -> str:
        """Each with its share of failed pages."""
        return self.manage("queueproxy", "release", "list")

    def _start_release(self, release: int) -> Process:
        words = ("runqueueworker", "--standby", "--release", str(release), *WORKERS)
        return self._start(*words, release=release)

    def metric(self, name: str) -> int:
        """A gauge of the front's, summed over its labels."""
        lines = self.get("/-/metrics").splitlines()
        samples = [line for line in lines if line.startswith(f"queueproxy_{name}{{")]
        return round(sum(float(line.rsplit(" ", 1)[1]) for line in samples))
