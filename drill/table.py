"""The acts in figures, behind the queue and without it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from rich.table import Table

from .record import Record


@dataclass(frozen=True)
class ActFigures:
    """What users met from the beginning of an act to that of the next."""

    title: str
    failed: int  # errors and failed pages
    longest_wait: float  # seconds


def figures(record: Record) -> Iterator[ActFigures]:
    """Sum up each act."""
    begins = [*(window.began for window in record.windows), float("inf")]
    for window, (began, next_began) in zip(record.windows, pairwise(begins), strict=True):
        within = [o for o in record.outcomes if began <= o.ended < next_began]
        yield ActFigures(
            title=window.title,
            failed=sum(bool(outcome.error or outcome.failed) for outcome in within),
            longest_wait=max((outcome.seconds for outcome in within), default=0.0),
        )


def table(queued: Record, plain: Record | None) -> Table:
    """Lay both beside each other."""
    made = Table(title="Failed requests, longest wait", title_justify="left")
    made.add_column("act")
    made.add_column("behind the queue", justify="right")
    if plain is not None:
        made.add_column("plain gunicorn", justify="right")
    columns = [[_text(one) for one in figures(record)] for record in (queued, plain) if record]
    for window, *cells in zip(queued.windows, *columns, strict=True):
        made.add_row(window.title, *cells)
    return made


def markdown(queued: Record, plain: Record | None) -> str:
    """The same as a table for a page: a row for each, a column for each act."""
    records = {"behind the queue": queued, "plain gunicorn": plain}
    titles = [f"{number}. {one.title}" for number, one in enumerate(figures(queued), 1)]
    rows = [["failed, longest wait", *titles], ["---"] * (len(titles) + 1)]
    for name, record in records.items():
        if record is not None:
            rows.append([name, *map(_text, figures(record))])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _text(one: ActFigures) -> str:
    return f"{one.failed:,}, {one.longest_wait:.1f} s"
