"""Renders the state of the system for a terminal: what is wrong comes first."""

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..broker.observe.histogram import summed
from ..broker.observe.snapshot import QueueStats, Snapshot
from ..broker.observe.troubles import request_text, troubles
from ..wording import count_text, printable, seconds_text

PLAIN_WIDTH = 120  # columns, where there is no terminal to ask


def screen(snapshot: Snapshot, max_hold: float) -> Group:
    """Render the whole of it.

    Args:
        max_hold: the setting, in seconds: how long a client is held.
    """
    return Group(
        _headline(snapshot),
        *_troubles(snapshot, max_hold),
        Text(),
        _queues(snapshot.queues),
        *_groups(snapshot),
        *_once(snapshot),
        *_releases(snapshot),
        Text(),
        _workers(snapshot),
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
        f"{snapshot.memory_bytes / 2**20:.1f} MiB",
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


def _queues(queues: list[QueueStats]) -> Table:
    table = _table()
    table.add_column("queue", no_wrap=True)
    names = ("depth", "running", "oldest", "in/s", "out/s", "wait p50", "p95", "p99", "done")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for queue in queues:
        table.add_row(
            queue.name + (" (paused)" if queue.paused else ""),
            *_figures(queue),
            style="yellow" if queue.paused else None,
        )
    table.add_row("all", *_figures(_over_all(queues)), style="bold")
    return table


def _figures(queue: QueueStats) -> list[str]:
    return [
        str(queue.depth),
        str(queue.in_flight),
        seconds_text(queue.oldest_wait_seconds) if queue.depth else "-",
        f"{queue.arrival_rate:.1f}",
        f"{queue.completion_rate:.1f}",
        seconds_text(queue.wait_p50_seconds),
        seconds_text(queue.wait_p95_seconds),
        seconds_text(queue.wait_p99_seconds),
        str(queue.completed_total),
    ]


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


def _workers(snapshot: Snapshot) -> Table:
    table = _table(expand=True)
    table.add_column("worker", no_wrap=True, ratio=2)
    table.add_column("state", no_wrap=True)
    table.add_column("done", justify="right", no_wrap=True)
    table.add_column("now", no_wrap=True, ratio=5, overflow="ellipsis")
    for worker in snapshot.workers:
        name = worker["name"] or f"{worker['host']}:{worker['pid']}"
        done = str(worker["completed_total"])
        first, *rest = [*_remarks(worker), *map(_running_text, worker["current"])] or [""]
        table.add_row(Text(printable(name)), Text(worker["state"]), done, Text(first))
        for line in rest:
            table.add_row("", "", "", Text(line))
    return table


def _remarks(worker: dict) -> Iterator[str]:
    if worker.get("pending_migrations"):
        yield f"{count_text(worker['pending_migrations'], 'migration')} not applied"


def _running_text(request: dict) -> str:
    return f"{request['thread']}: {seconds_text(request['seconds']):>6} {request_text(request)}"


def _fronts(snapshot: Snapshot) -> Iterator[Text]:
    for front in snapshot.fronts:
        yield Text(
            f"front {printable(front['host'])}:{front['pid']}  {front['held']} held, "
            f"up {seconds_text(front['age_seconds'])}"
        )
