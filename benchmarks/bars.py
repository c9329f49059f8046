"""The bars that the project has set itself, each with the figure measured and whether it holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .summary import MIB, Row, table

LEAST = "≥"
MOST = "≤"
BELOW = "<"
HOLDS: dict[str, Callable[[float, float], bool]] = {
    LEAST: lambda figure, bound: figure >= bound,
    MOST: lambda figure, bound: figure <= bound,
    BELOW: lambda figure, bound: figure < bound,
}
KB = 1000
UVICORN, DAPHNE = "queued-uvicorn-1x1", "queued-daphne-1x1"
TWO = "queued-uvicorn-2x1"


@dataclass(frozen=True)
class Bar:
    """One bar: ``figure`` must be `sign` ``bound``."""

    text: str
    figure: float
    sign: str
    bound: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return HOLDS[self.sign](self.figure, self.bound)


class Rows:
    """Rows by load and candidate; a ratio of what was not measured is None."""

    def __init__(self, rows: Sequence[Row]):
        self._rows = {(row.load, row.candidate): row for row in rows}

    def get(self, load: str, candidate: str) -> Row | None:
        """The row, where there is one."""
        return self._rows.get((load, candidate))

    def ratio(self, field: str, load: str, candidate: str, base: str) -> float | None:
        """`field` of the candidate over that of the base, medians of the same rounds."""
        mine, other = self.get(load, candidate), self.get(load, base)
        if mine is None or other is None or not getattr(other, field):
            return None
        return getattr(mine, field) / getattr(other, field)


def bars(rows: Sequence[Row], scenarios: Mapping[str, dict]) -> list[Bar]:
    """Every bar that there are figures for.

    Args:
        scenarios: results by name: hold-N, soak, priority, threads.
    """
    found = [*_ratios(Rows(rows)), *_broker(Rows(rows))]
    for name, result in scenarios.items():
        if maker := SCENARIO_BARS.get(name.partition("-")[0]):
            found += maker(result)
    return found


RATIOS = (
    ("per_second", "trivial-c32", UVICORN, "gunicorn-sync-1", LEAST, 1.0),
    ("per_second", "trivial-c32", UVICORN, "uvicorn", LEAST, 4.0),
    ("per_second", "trivial-c32", DAPHNE, "daphne", LEAST, 2.5),
    ("p50", "trivial-c1", UVICORN, "gunicorn-sync-1", MOST, 3.0),
    ("p50", "trivial-c1", UVICORN, "uvicorn", BELOW, 1.0),
    ("per_second", "page-c16", TWO, "gunicorn-sync-2", LEAST, 0.9),
    ("cpu_total", "page-c16", TWO, "gunicorn-sync-2", MOST, 1.2),
)
NAMES = {"per_second": "requests a second", "p50": "p50", "cpu_total": "CPU per request"}


def _ratios(rows: Rows) -> Iterator[Bar]:
    for field, load, candidate, base, sign, bound in RATIOS:
        ratio = rows.ratio(field, load, candidate, base)
        if ratio is not None:
            yield Bar(f"{load}: {NAMES[field]}, {candidate} / {base}", ratio, sign, bound, "times")


def _broker(rows: Rows) -> Iterator[Bar]:
    row = rows.get("trivial-c32", UVICORN)
    if row and row.commands_per_request is not None:
        yield Bar("broker commands per request at c=32", row.commands_per_request, MOST, 3.0)
    if row and row.commands_at_rest is not None:
        text = "broker commands a second at rest, one front and one worker process"
        yield Bar(text, row.commands_at_rest, MOST, 5.0)


def _threads(result: dict) -> Iterator[Bar]:
    by_number = {row["threads"]: row["per_second"] for row in result["rows"]}
    if 1 in by_number and 64 in by_number:
        efficiency = by_number[64] / (64 * by_number[1])
        yield Bar("50 ms view, 1 → 64 threads: efficiency", efficiency, LEAST, 0.9)


def _hold(result: dict) -> Iterator[Bar]:
    number = result["clients"]
    text = f"{number:,} held for {result['held_seconds']:.0f} s"
    yield Bar(f"{text}: answered with 200", result["statuses"].get("200", 0), LEAST, number)
    per_client = result["front_bytes_per_client"] / KB
    yield Bar(f"{text}: front's memory each", per_client, MOST, 20.0, "KB")
    if result["first_answer_seconds"] is not None:
        first, last = result["first_answer_seconds"], result["last_answer_seconds"]
        yield Bar(f"{text}: first answer after a worker's start", first, MOST, 1.0, "s")
        yield Bar(f"{text}: last answer after a worker's start", last, MOST, 4.0, "s")


def _priority(result: dict) -> Iterator[Bar]:
    bound = 3 * result["alone"]["p99_ms"] + result["running_ms"]
    text = "high-priority p99 in a flood of low (3 times that without, and one running request)"
    yield Bar(text, result["flooded"]["p99_ms"], MOST, bound, "ms")


def _soak(result: dict) -> Iterator[Bar]:
    for name, slope in result["slopes"].items():
        text = f"{result['minutes']:.0f}-minute soak: growth of {name} in ten minutes"
        yield Bar(text, slope / MIB, BELOW, 1.0, "MB")


SCENARIO_BARS = {"threads": _threads, "hold": _hold, "priority": _priority, "soak": _soak}


def bars_table(found: Sequence[Bar]) -> str:
    """As Markdown."""
    return table(
        ("bar", "wanted", "measured", "holds"),
        [
            (
                bar.text,
                f"{bar.sign} {_number(bar.bound)} {bar.unit}".rstrip(),
                f"{_number(bar.figure)} {bar.unit}".rstrip(),
                "yes" if bar.holds else "**no**",
            )
            for bar in found
        ],
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
