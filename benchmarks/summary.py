"""Medians over the rounds, and their tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from .loads import LOADS
from .measure import Run

ROLES = ("server", "front", "worker", "broker")
MIB = 1 << 20


@dataclass(frozen=True)
class Row:
    """One candidate under one load: medians of its rounds, errors of all. CPU and memory as Run."""

    candidate: str
    load: str
    rounds: int
    per_second: float
    p50: float
    p95: float
    p99: float
    errors: int
    cpu: dict[str, float]
    memory: dict[str, float]
    commands_per_request: float | None
    commands_at_rest: float | None

    @property
    def cpu_total(self) -> float:
        """Of all roles together."""
        return sum(self.cpu.values())


def summarize(runs: Iterable[Run]) -> list[Row]:
    """A row for each pair, in the order in which they first came."""
    pairs: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        pairs.setdefault((run.load, run.candidate), []).append(run)
    return [_row(runs) for runs in pairs.values()]


def _row(runs: Sequence[Run]) -> Row:
    seen = [run.seen for run in runs]
    return Row(
        candidate=runs[0].candidate,
        load=runs[0].load,
        rounds=len(runs),
        per_second=median(s.per_second for s in seen),
        p50=median(s.p50 for s in seen),
        p95=median(s.p95 for s in seen),
        p99=median(s.p99 for s in seen),
        errors=sum(s.errors for s in seen),
        cpu={role: median(run.cpu[role] for run in runs) for role in runs[0].cpu},
        memory={role: median(run.memory[role] for run in runs) for role in runs[0].memory},
        commands_per_request=_median(run.commands_per_request for run in runs),
        commands_at_rest=_median(run.commands_at_rest for run in runs),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


HEAD = (
    "candidate",
    "req/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "errors",
    "CPU s per 1,000",
    "by role",
    "PSS MiB",
    "by role",
    "commands per request",
)


def load_tables(rows: Sequence[Row]) -> str:
    """A section with a table for each load."""
    parts = []
    for load in LOADS:
        of_load = [row for row in rows if row.load == load.name]
        if of_load:
            body = table(HEAD, (_cells(row) for row in of_load))
            parts.append(f"### {load.title} (`{load.name}`)\n\n{body}")
    return "\n".join(parts)


def _cells(row: Row) -> list[str]:
    memory = {role: used / MIB for role, used in row.memory.items()}
    commands = row.commands_per_request
    return [
        row.candidate,
        f"{row.per_second:,.0f}",
        f"{row.p50:.2f}",
        f"{row.p95:.2f}",
        f"{row.p99:.2f}",
        str(row.errors),
        f"{row.cpu_total:.3f}",
        by_role(row.cpu, ".3f"),
        f"{sum(memory.values()):.0f}",
        by_role(memory, ".0f"),
        "" if commands is None else f"{commands:.2f}",
    ]


def by_role(values: dict[str, float], form: str) -> str:
    """``front 0.100, worker 0.150``; nothing where there is only one role."""
    if len(values) < 2:
        return ""
    return ", ".join(f"{role} {values[role]:{form}}" for role in ROLES if role in values)
