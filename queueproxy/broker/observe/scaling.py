"""How many worker processes are wanted, how many run, and why: of each supervisor, and in all."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from ...demand import processes_for, slots_needed
from ...wording import count_text
from .processes import WorkerStats
from .values import Count, ValueReader

SILENT_AFTER = 10_000  # ms of the lease clock after which a supervisor counts as gone


class ScalingTold(msgspec.Struct, frozen=True):
    """What a supervisor that follows the load writes, as JSON.

    Attributes:
        at: ms of the lease clock.
        wanted, running: processes it wants, and that serve.
        least, most: how many there may be, as a person has asked for.
        slots: how many requests each runs at once.
        queues: that they serve.
        serves: whether they do now; not where their release stands by.
        why: in words.
        fits: for about how many the memory is enough; None where that is not limited, or not
            known. It is an estimate, and moves: more may run.
    """

    at: Count
    wanted: Count
    running: Count
    least: Count
    most: Count
    slots: Count
    queues: list[str]
    serves: bool
    why: str
    fits: Count | None = None


@dataclass(frozen=True)
class SupervisorScaling:
    """As `ScalingTold`, and where."""

    supervisor: str
    wanted: int
    running: int
    least: int
    most: int
    slots: int
    queues: list[str]
    serves: bool
    why: str
    fits: int | None = None

    @property
    def reach(self) -> int:
        """How many processes there may be, as far as the memory is enough."""
        return most_within(self.least, self.most, self.fits)

    @property
    def text(self) -> str:
        """Say it in a line."""
        wanted = count_text(self.wanted, "process", "processes")
        return (
            f"{self.supervisor}: {wanted} wanted ({self.least} to {self.most}), "
            f"{self.running} running: {self.why}"
        )


@dataclass(frozen=True)
class Scaling:
    """The same of the whole system.

    Attributes:
        wanted: as many as supervisors have decided for that follow the load, and those whose number
            is fixed; where none follows it, as many as the load of the moment needs.
        running: that serve.
        why: in words.
    """

    wanted: int = 0
    running: int = 0
    why: str = ""
    supervisors: list[SupervisorScaling] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return what ``status --json`` prints."""
        return asdict(self)


@dataclass(frozen=True)
class Traffic:
    """What the queues had on average over the last ten seconds, all together.

    Attributes:
        busy: requests that ran at once.
        arrivals, completions: a second.
        depth: that wait now, but for those in the line of their group.
        oldest_wait: seconds.
        held: whether a queue is paused, or let out at a pace.
    """

    busy: float
    arrivals: float
    completions: float
    depth: int
    oldest_wait: float
    held: bool


def most_within(least: int, most: int, fits: int | None) -> int:
    """Return how many there may be, where the memory is enough for `fits`; None for no limit."""
    return most if fits is None else max(least, min(most, fits))


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ScalingTold).decode
SERVING_STATES = ("idle", "busy")
LATE = 0.1  # seconds a request may wait where no supervisor says otherwise


def read_supervisors(
    values: ValueReader, flat: Iterable[bytes], clock_ms: int
) -> list[SupervisorScaling]:
    """Parse the answer to HGETALL of ``scaling``; leave out those that are silent.

    Args:
        clock_ms: of the lease clock.
    """
    items = list(flat)
    found = []
    for name, raw in zip(items[::2], items[1::2], strict=True):
        told = values.json(_decode, raw, None)
        if told is not None and told.at >= clock_ms - SILENT_AFTER:
            about = msgspec.structs.asdict(told)
            del about["at"]
            found.append(SupervisorScaling(supervisor=values.text(name), **about))
    return sorted(found, key=lambda one: one.supervisor)


def scaling_of(
    supervisors: list[SupervisorScaling], workers: Sequence[WorkerStats], traffic: Traffic
) -> Scaling:
    """Put together what is wanted in all.

    Args:
        workers: all on the list.
    """
    workers = [worker for worker in workers if worker["state"] in SERVING_STATES]
    following = [one for one in supervisors if one.serves]
    if not following:
        return _of_the_moment(supervisors, workers, traffic)
    fixed = sum(not worker.get("follows_load") for worker in workers)
    wanted = fixed + sum(one.wanted for one in following)
    why = "; ".join(dict.fromkeys(one.why for one in following))
    return Scaling(wanted, len(workers), why, supervisors)


def _of_the_moment(
    supervisors: list[SupervisorScaling], workers: Sequence[WorkerStats], traffic: Traffic
) -> Scaling:
    running = len(workers)
    if traffic.held:
        return Scaling(running, running, "a queue is paused, or let out at a pace", supervisors)
    slots_of_each = max(1, sum(worker["threads"] for worker in workers) // max(1, running))
    late = traffic.depth if traffic.oldest_wait > LATE else 0
    served = traffic.completions if traffic.busy else 0.0
    run_seconds = traffic.busy / served if served else float(bool(late))
    load = max(traffic.busy, traffic.arrivals * run_seconds)
    wanted = processes_for(slots_needed(load, late, run_seconds), slots_of_each)
    return Scaling(wanted, running, f"{traffic.arrivals:.1f} requests a second arrive", supervisors)
