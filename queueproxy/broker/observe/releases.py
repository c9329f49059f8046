"""Each release of the project's code, as people see it: who serves, and how it fares."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ...records import Activation
from ...wording import count_text, seconds_text, share_text
from .processes import STANDBY, WAITING, WorkerStats
from .snapshot import QueueStats
from .values import ValueReader

ACTIVE = "active"  # it serves, and no other does
SERVING = "serving"  # it serves; none was activated
GONE = "gone"  # no worker of it is left


@dataclass(frozen=True)
class Release:
    """One release. Times in seconds, the later ones of the broker's clock.

    Attributes:
        state: ``active``, ``serving``, ``standby`` or ``gone``.
        ready: how many of its workers could serve at once.
        since: when its first worker came; None where that is not kept.
        activated: when it began to serve last; None for never.
        retires_in_seconds: until its workers end; None where they stay.
        requests_total, errors_total: answers, and those with a status of 5xx, since any was
            activated.
        p95_seconds: of its run times.
    """

    name: str
    state: str
    previous: bool = False
    workers: int = 0
    ready: int = 0
    since: float | None = None
    activated: float | None = None
    retires_in_seconds: float | None = None
    requests_total: int = 0
    errors_total: int = 0
    p95_seconds: float | None = None

    @property
    def error_share(self) -> float | None:
        """Share of the answers that have a status of 5xx; None where there is none."""
        return self.errors_total / self.requests_total if self.requests_total else None

    @property
    def text(self) -> str:
        """Say all of it in a line."""
        share = "-" if self.error_share is None else share_text(self.error_share)
        began = self.since if self.activated is None else self.activated
        since = "" if began is None else f", since {_moment(began)}"
        left = self.retires_in_seconds
        kept = "" if left is None else f", its workers end in {seconds_text(left)}"
        state = f"{self.state} (before)" if self.previous else self.state
        return (
            f"{self.name}  {state}  {count_text(self.workers, 'worker')} ({self.ready} ready)  "
            f"{count_text(self.requests_total, 'request')}, 5xx {share}, "
            f"p95 {seconds_text(self.p95_seconds)}{since}{kept}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return what ``status --json`` prints."""
        return {**asdict(self), "error_share": self.error_share}


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def names_of(activation: Activation, workers: Sequence[WorkerStats]) -> list[str]:
    """List all releases there are: the active one first, then the one before."""
    told = (activation.active, activation.previous, *(worker["release"] for worker in workers))
    return list(dict.fromkeys(name for name in told if name))


def release_of(
    values: ValueReader,
    activation: Activation,
    workers: Sequence[WorkerStats],
    known: dict[str, str],
    stats: QueueStats,
    clock_ms: int,
) -> Release:
    """Put together what is known of one.

    Args:
        workers: of all releases.
        known: of ``release:<name>``.
        stats: of ``stats:@<name>``.
        clock_ms: of the lease clock.
    """
    name = stats.name.removeprefix("@")
    own = [worker for worker in workers if worker["release"] == name]
    stays = name == activation.active or not (activation.active and own)
    retires = 0 if stays else values.number(known.get("retires"))
    return Release(
        name=name,
        state=_state(name, activation, own),
        previous=name == activation.previous,
        workers=len(own),
        ready=sum(worker["state"] in ("idle", "busy", STANDBY) for worker in own),
        since=values.number(known.get("since")) / 1000 or None,
        activated=values.number(known.get("activated")) / 1000 or None,
        retires_in_seconds=max(0, retires - clock_ms) / 1000 if retires else None,
        requests_total=stats.completed_total,
        errors_total=sum(
            number for (_, code), number in stats.codes.items() if code.startswith("5")
        ),
        p95_seconds=stats.run_p95_seconds,
    )


def _state(name: str, activation: Activation, own: Sequence[WorkerStats]) -> str:
    if name == activation.active:
        return ACTIVE
    if not own:
        return GONE
    if activation.active or all(worker["state"] in (STANDBY, WAITING) for worker in own):
        return STANDBY
    return SERVING
