"""Renders the state of the system for a terminal: what is wrong comes first."""

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..broker.observe.histogram import summed
from ..broker.observe.processes import RunningRequest, WorkerStats
from ..broker.observe.snapshot import QueueStats, Snapshot
from ..broker.observe.troubles import request_text, troubles
from ..wording import count_text, printable, seconds_text

PLAIN_WIDTH = 120  # columns, where there is no terminal to ask
COLUMNS = (
    *("depth", "running", "oldest", "in/s", "out/s", "wait p50", "wait p95", "wait p99"),
    *("run p50", "run p95", "run p99", "done"),
)
# Left out on a narrow terminal, in this order.
LESS_NEEDED = (
    *("run p50", "run p99", "done", "wait p99", "wait p50", "in/s", "out/s", "run p95"),
    *("wait p95", "running"),
)
GAP = 2  # columns between two of a table
NARROW, NARROWEST = 64, 44  # columns of a terminal on which workers' own figures are left out


def screen(snapshot: Snapshot, max_hold: float, width: int = PLAIN_WIDTH) -> Group:
    """Render the whole of it.

    Args:
        max_hold: the setting, in seconds: how long a client is held.
        width: columns there are; on few of them figures are left out, the less needed first.
    """
    return Group(
        _headline(snapshot),
        *_troubles(snapshot, max_hold),
        Text(),
        _queues(snapshot.queues, width),
        *_groups(snapshot),
        *_once(snapshot),
        *_releases(snapshot),
        *_scaling(snapshot),
        Text(),
        _workers(snapshot, width),
        Text(),
        *_fronts(snapshot),
    )


def as_text(renderable: RenderableType, *, color: bool = False, width: int | None = None) -> str:
    """Render it as text, for where nothing is live."""
    out = io.StringIO()
    console = Console(file=out, width=width or PLAIN_WIDTH, force_terminal=color, highlight=False)
    console.print(renderable)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _headline(snapshot: Snapshot) -> Text:
    held = sum(front["held"] for front in snapshot.fronts)
    parts = [
        f"{snapshot.server} {snapshot.version}",
        snapshot.memory_text,
        count_text(len(snapshot.fronts), "front"),
        count_text(len(snapshot.workers), "worker"),
        f"{held} held",
    ]
    return Text(" · ".join(parts), style="bold")


def _troubles(snapshot: Snapshot, max_hold: float) -> Iterator[Text]:
    styles = {"error": "bold red", "warning": "bold yellow"}
    for trouble in troubles(snapshot, max_hold):
        yield Text(trouble.text, style=styles[trouble.level])


def _table(*, expand: bool = False) -> Table:
    # No lines around: a small terminal has only 24 rows.
    return Table(box=None, pad_edge=False, padding=(0, 1), expand=expand, header_style="dim")


def _queues(queues: list[QueueStats], width: int) -> Table:
    rows = [
        (queue.name + (" (paused)" if queue.paused else ""), _figures(queue)) for queue in queues
    ]
    rows.append(("all", _figures(_over_all(queues))))
    shown = _columns_that_fit(rows, width)
    table = _table()
    table.add_column("queue", no_wrap=True)
    for name in shown:
        table.add_column(_title(name, shown), justify="right", no_wrap=True)
    for (name, figures), queue in zip(rows, [*queues, None], strict=True):
        style = "bold" if queue is None else "yellow" if queue.paused else None
        table.add_row(name, *(figures[column] for column in shown), style=style)
    return table


def _columns_that_fit(rows: list[tuple[str, dict[str, str]]], width: int) -> list[str]:
    shown = list(COLUMNS)
    names = max(len("queue"), *(len(name) for name, _ in rows))

    def needed(column: str) -> int:
        return max(len(_title(column, shown)), *(len(figures[column]) for _, figures in rows))

    for column in LESS_NEEDED:
        if names + sum(GAP + needed(one) for one in shown) <= width:
            break
        shown.remove(column)
    return shown


def _title(column: str, shown: Sequence[str]) -> str:
    """Return what a column is called: the first of the waits, or of the runs, says what it is."""
    of, _, share = column.partition(" ")
    first = next((name for name in shown if name.startswith(f"{of} ")), column)
    return column if column == first else share


def _figures(queue: QueueStats) -> dict[str, str]:
    texts = (
        str(queue.depth),
        str(queue.in_flight),
        seconds_text(queue.oldest_wait_seconds) if queue.depth else "-",
        f"{queue.arrival_rate:.1f}",
        f"{queue.completion_rate:.1f}",
        *(seconds_text(seconds) for seconds in (*queue.wait_percentiles, *queue.run_percentiles)),
        str(queue.completed_total),
    )
    return dict(zip(COLUMNS, texts, strict=True))


def _over_all(queues: list[QueueStats]) -> QueueStats:
    total = QueueStats(
        "all",
        depth=sum(queue.depth for queue in queues),
        in_flight=sum(queue.in_flight for queue in queues),
        oldest_wait_seconds=max((queue.oldest_wait_seconds for queue in queues), default=0.0),
        arrival_rate=sum(queue.arrival_rate for queue in queues),
        completion_rate=sum(queue.completion_rate for queue in queues),
        completed_total=sum(queue.completed_total for queue in queues),
        recent=summed(queue.recent for queue in queues),
        recent_runs=summed(queue.recent_runs for queue in queues),
    )
    total.set_percentiles()
    return total


def _groups(snapshot: Snapshot) -> Iterator[Text]:
    for group in snapshot.groups:
        yield Text(f"{printable(group.name)} {group.text}", style="yellow" if group.waiting else "")


def _once(snapshot: Snapshot) -> Iterator[Text]:
    for queue in snapshot.queues:
        if queue.once_text:
            yield Text(f"{queue.name} {queue.once_text}")


def _releases(snapshot: Snapshot) -> Iterator[Text]:
    if any(release.state != "serving" for release in snapshot.releases):
        yield Text()
        for release in snapshot.releases:
            style = "bold" if release.state == "active" else "dim"
            yield Text(f"release {printable(release.text)}", style=style)


def _scaling(snapshot: Snapshot) -> Iterator[Text]:
    if snapshot.scaling.supervisors:
        yield Text()
        for supervisor in snapshot.scaling.supervisors:
            yield Text(printable(supervisor.text))


def _workers(snapshot: Snapshot, width: int) -> Table:
    with_state, with_done = width >= NARROWEST, width >= NARROW
    table = _table(expand=True)
    table.add_column("worker", no_wrap=True, ratio=2)
    if with_state:
        table.add_column("state", no_wrap=True)
    if with_done:
        table.add_column("done", justify="right", no_wrap=True)
    table.add_column("now", no_wrap=True, ratio=5, overflow="ellipsis")
    between = [""] * (with_state + with_done)
    for worker in snapshot.workers:
        name = worker["name"] or f"{worker['host']}:{worker['pid']}"
        own = [Text(worker["state"])] * with_state + [str(worker["completed_total"])] * with_done
        first, *rest = [*_remarks(worker), *map(_running_text, worker["current"])] or [""]
        table.add_row(Text(printable(name)), *own, Text(first))
        for line in rest:
            table.add_row("", *between, Text(line))
    return table


def _remarks(worker: WorkerStats) -> Iterator[str]:
    pending = worker.get("pending_migrations")
    if pending:
        yield f"{count_text(pending, 'migration')} not applied"


def _running_text(request: RunningRequest) -> str:
    return f"{request['thread']}: {seconds_text(request['seconds']):>6} {request_text(request)}"


def _fronts(snapshot: Snapshot) -> Iterator[Text]:
    for front in snapshot.fronts:
        yield Text(
            f"front {printable(front['host'])}:{front['pid']}  {front['held']} held, "
            f"up {seconds_text(front['age_seconds'])}"
        )
