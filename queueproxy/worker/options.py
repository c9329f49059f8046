"""What a worker process is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..broker.handle import Broker
from ..broker.own_release import NO_RELEASE, OwnRelease
from ..http_syntax import SAFE_METHODS
from ..policy import Policy


@dataclass(frozen=True)
class WorkerOptions:
    """Options of a worker, as plain values. Times in seconds."""

    broker: Broker
    queues: tuple[str, ...]
    secrets: tuple[str | bytes, ...]
    threads: int = 1
    at_once: int | None = None  # requests at once on one event loop, in the place of threads
    spin: bool = False  # whether to wait awake for the broker: see broker/link/spin_wait.py
    burst: bool = False
    max_requests: int | None = None
    graceful_timeout: float = 30.0
    stream_grace: float = 5.0  # what a drain leaves to streams without an end
    view_timeout: float | None = None
    name: str = ""
    release: OwnRelease = NO_RELEASE
    require_migrations: bool = False
    watch_migrations: bool = True  # whether to look which are not applied; not so in tests
    policies: Mapping[str, Policy] = field(default_factory=dict)  # by name of the view
    retry_methods: frozenset[str] = frozenset(SAFE_METHODS)
    keep_executions: float = 86_400
    keep_answered: int = 0  # requests that are over, of each kind: see broker/answered.py
    follows_load: bool = False  # whether its supervisor has more or fewer of its kind

    @property
    def most_at_once(self) -> int:
        """How many requests it runs at the same time at most."""
        return self.at_once or self.threads
