"""The whole system at one moment, as plain values."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .groups import GroupStats
from .histogram import Histogram
from .not_served import NotServed, not_served
from .processes import FrontStats, WorkerStats
from .scaling import Scaling

if TYPE_CHECKING:
    from .boot_failures import BootFailure
    from .releases import Release

# Not in ``status --json``.
INTERNAL = ("totals", "codes", "wait", "run", "duration", "recent", "recent_runs")
NEARLY_FULL = 0.9  # share of maxmemory
RECENT = 300  # seconds that percentiles, and what was not served, are over


@dataclass
class QueueStats:
    """One queue. Times in seconds, rates per second over the last ten.

    Percentiles are over the last five minutes, as is what was not served as wanted; None where
    there was nothing.
    """

    name: str
    depth: int = 0
    in_flight: int = 0
    oldest_wait_seconds: float = 0.0
    enqueued_total: int = 0
    completed_total: int = 0
    # Of what is to happen exactly once: see `once_text`.
    retried_total: int = 0
    replayed_total: int = 0
    deferred_total: int = 0
    arrival_rate: float = 0.0
    completion_rate: float = 0.0
    wait_p50_seconds: float | None = None
    wait_p95_seconds: float | None = None
    wait_p99_seconds: float | None = None
    run_p50_seconds: float | None = None
    run_p95_seconds: float | None = None
    run_p99_seconds: float | None = None
    not_served: NotServed = field(default_factory=NotServed)
    paused: bool = False
    # Each: by, reason, since, until (seconds of the broker's clock); `pause` ends last of all.
    pause: dict[str, Any] | None = None
    pauses: list[dict[str, Any]] = field(default_factory=list)
    pace: float | None = None  # starts a second after a paced resume, until nothing waits
    totals: dict[str, int] = field(default_factory=dict)  # redelivered, withdrawn, failed:..., ...
    codes: dict[tuple[str, str], int] = field(default_factory=dict)  # (method, code) -> answers
    wait: Histogram = field(default_factory=Histogram)
    run: Histogram = field(default_factory=Histogram)
    duration: Histogram = field(default_factory=Histogram)
    recent: Histogram = field(default_factory=Histogram)  # waits of the last minutes
    recent_runs: Histogram = field(default_factory=Histogram)

    @property
    def once_text(self) -> str:
        """Say what happened to requests that are to happen exactly once; empty for nothing."""
        counts = (self.retried_total, self.replayed_total, self.deferred_total)
        if not any(counts):
            return ""
        return "exactly once: {} run again, {} replayed, {} put off".format(*counts)

    @property
    def wait_percentiles(self) -> tuple[float | None, ...]:
        """p50, p95 and p99 of the wait, in seconds."""
        return self.wait_p50_seconds, self.wait_p95_seconds, self.wait_p99_seconds

    @property
    def run_percentiles(self) -> tuple[float | None, ...]:
        """p50, p95 and p99 of the run time, in seconds."""
        return self.run_p50_seconds, self.run_p95_seconds, self.run_p99_seconds

    def set_percentiles(self) -> None:
        """Work them out from the histograms."""
        for share in (50, 95, 99):
            for name, histogram in (("wait", self.recent), ("run", self.recent_runs)):
                seconds = histogram.percentile(share / 100)
                setattr(self, f"{name}_p{share}_seconds", seconds and round(seconds, 4))


@dataclass
class Snapshot:
    """The whole system at one moment of the broker's clock (`now`, seconds)."""

    now: float
    server: str
    version: str
    memory_bytes: int  # of the whole server
    queues: list[QueueStats]
    fronts: list[FrontStats]
    workers: list[WorkerStats]
    dead_letters: int
    groups: list[GroupStats] = field(default_factory=list)
    releases: "list[Release]" = field(default_factory=list)
    boot_failures: "list[BootFailure]" = field(default_factory=list)
    scaling: Scaling = field(default_factory=Scaling)
    memory_limit_bytes: int = 0  # the server's maxmemory; 0 for none
    queue_bytes: int = 0  # of requests and answers, which MAX_MEMORY bounds
    unreadable: int = 0  # values in the broker that could not be read: somebody else wrote there

    def not_served(self, *, without: str = "") -> NotServed:
        """Add up what was not served as wanted in the last five minutes, over all queues.

        Args:
            without: a queue that is left out.
        """
        total: Counter[str] = Counter()
        for queue in self.queues:
            if queue.name != without:
                total.update(queue.not_served.by_reason)
        return not_served(total)

    @property
    def memory_share(self) -> float | None:
        """How much of its maxmemory the server uses, 1 for all; None where it has no such limit."""
        return self.memory_bytes / self.memory_limit_bytes if self.memory_limit_bytes else None

    @property
    def memory_text(self) -> str:
        """Say how much memory the server uses, and of how much."""
        used = f"{self.memory_bytes / 2**20:.1f}"
        limit = self.memory_limit_bytes
        return f"{used} of {limit / 2**20:.0f} MiB" if limit else f"{used} MiB"

    @property
    def nearly_full(self) -> bool:
        """Whether the server will soon refuse what is written, or does already."""
        return (self.memory_share or 0.0) >= NEARLY_FULL

    @property
    def serving(self) -> list[WorkerStats]:
        """The workers that do not stand by."""
        return [worker for worker in self.workers if worker["state"] != "standby"]

    def as_status(self) -> dict[str, Any]:
        """Return what ``status --json`` prints."""
        queues = [
            {name: value for name, value in asdict(queue).items() if name not in INTERNAL}
            for queue in self.queues
        ]
        return {
            "broker": {
                "reachable": True,
                "server": self.server,
                "version": self.version,
                "memory_bytes": self.memory_bytes,
                "memory_limit_bytes": self.memory_limit_bytes,
                "queue_bytes": self.queue_bytes,
                "unreadable_values": self.unreadable,
            },
            "paused": [queue.name for queue in self.queues if queue.paused],
            "queues": queues,
            "fronts": self.fronts,
            "workers": self.workers,
            "dead_letters": self.dead_letters,
            "groups": [group.as_json() for group in self.groups],
            "releases": [release.as_json() for release in self.releases],
            "boot_failures": [failure.as_json() for failure in self.boot_failures],
            "scaling": self.scaling.as_json(),
        }


def unreachable_status() -> dict[str, Any]:
    """Return what ``status --json`` prints where the broker can't be asked."""
    memory = ("memory_bytes", "memory_limit_bytes", "queue_bytes")
    unknown = dict.fromkeys(("server", "version", *memory, "unreadable_values"))
    broker = {"reachable": False, **unknown}
    empty: dict[str, Any] = {"paused": [], "queues": [], "fronts": [], "workers": []}
    more: dict[str, Any] = {"groups": [], "releases": [], "boot_failures": []}
    return {"broker": broker, **empty, "dead_letters": None, **more, "scaling": None}
