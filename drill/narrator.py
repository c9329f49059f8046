"""What is told in the terminal: who does what, and each second what the users got."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .plain_site import PlainSite
from .record import Record, Second
from .system import System
from .verdict import Verdict

COLOURS = {1: "blue", 2: "yellow", 3: "green"}  # of the releases
NO_TIME = "-"


class Narrator:
    """Writes lines, coloured where they go to a terminal.

    Args:
        console: where to.
    """

    def __init__(self, console: Console):
        self._console = console

    @contextmanager
    def watching(self, record: Record, system: System | PlainSite) -> Iterator[None]:
        """While the context lasts, tell each second what the users got."""
        over = threading.Event()
        thread = threading.Thread(target=self._every_second, args=(record, system, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _every_second(self, record: Record, system, over: threading.Event) -> None:
        at = 1
        while not over.wait(max(0.0, at - record.clock())):
            self._line(line_of(record.close_second(at, system.metric("queue_depth"))))
            at += 1

    def act(self, text: str) -> None:
        """What happens next."""
        self._line(f"\n[bold]{text}[/]")

    def command(self, text: str) -> None:
        """What the operator types."""
        self._line(f"[cyan]  $ {escape(text)}[/]")

    def table(self, table: Table) -> None:
        """Figures, side by side."""
        self._console.print(table)

    def note(self, text: str) -> None:
        """Something by the way."""
        self._line(escape(text))

    def trouble(self, text: str) -> None:
        """What must not be."""
        self._line(f"[red]{escape(text)}[/]")

    def verdict(self, verdict: Verdict) -> None:
        """The end of it."""
        self._line(
            f"\n[bold {'green' if verdict.clean else 'red'}]"
            f"{verdict.requests} requests, {verdict.errors} errors, "
            f"longest wait {verdict.longest_wait:.1f} s, {verdict.duplicates} duplicates, "
            f"{verdict.lost} lost[/]"
        )

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


def line_of(second: Second) -> str:
    """One second as a line, in the console's markup."""
    releases = " ".join(
        f"[{COLOURS.get(release, 'white')}]release {release}: {count}[/]"
        for release, count in sorted(second.answers.items())
    )
    bad = second.errors + second.failed
    errors = f"{bad} failed"
    return (
        f"{second.at:4d} s {sum(second.answers.values()):4d} answers"
        f"[{'bold red' if bad else 'default'}]{errors:>11}[/]"
        f"   p50 {_duration(second.p50)}  worst {_duration(second.worst)}"
        f"  {second.waiting:4d} waiting   {releases}"
    )


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return f"{NO_TIME:>8}"
    text = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return f"{text:>8}"
