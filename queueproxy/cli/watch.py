"""queueproxy status --watch: the state, live, until q or Ctrl-C. Asks the broker alone."""

import shutil
import signal
import time

from django.core.management.base import OutputWrapper
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..broker.observe.reader import SnapshotReader
from ..exceptions import BrokerUnavailable
from ..wording import printable
from .ask import drop_output
from .keyboard import Keyboard
from .screen import PLAIN_WIDTH, as_text, screen

REFRESH = 1.0  # seconds


def terminal_width(out: OutputWrapper) -> int | None:
    """Columns of the terminal behind a stream; None where there is none."""
    return shutil.get_terminal_size().columns if out.isatty() else None


def watch(stats: SnapshotReader, max_hold: float, out: OutputWrapper, *, color: bool) -> None:
    """Show the state again and again; returns on q, when interrupted or when nobody reads it."""
    signal.signal(signal.SIGTERM, _interrupt)  # else the terminal would stay on the other screen
    view = _View(stats, max_hold)
    try:
        if terminal_width(out) is None:
            _print_again_and_again(view, out)
        else:
            _show_live(view, color)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        drop_output(out)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _show_live(view: "_View", color: bool) -> None:
    console = Console(highlight=False, no_color=not color)
    with Keyboard() as keyboard, Live(console=console, screen=True, auto_refresh=False) as live:
        hint = " · q ends this" if keyboard.is_there else ""
        while True:
            live.update(view.now(console.width, hint), refresh=True)
            if "q" in keyboard.pressed_within(REFRESH):
                return


def _print_again_and_again(view: "_View", out: OutputWrapper) -> None:
    while True:
        out.write(as_text(view.now()))
        out.flush()
        time.sleep(REFRESH)


class _View:
    """Shows the state now, or, while the broker is away, the last that was seen and since when."""

    def __init__(self, stats: SnapshotReader, max_hold: float):
        self._stats = stats
        self._max_hold = max_hold
        self._last: RenderableType = Text()
        self._away_since = 0.0

    def now(self, width: int = PLAIN_WIDTH, hint: str = "") -> RenderableType:
        """Render what to show now.

        Args:
            width: columns.
            hint: what else to say beside the time.
        """
        try:
            snapshot = self._stats.snapshot()
        except BrokerUnavailable as error:
            self._away_since = self._away_since or time.monotonic()
            away = time.monotonic() - self._away_since
            told = f"The broker can't be reached for {away:.0f} s: {printable(error)}"
            return Group(Text(told, style="bold red"), self._last)
        self._away_since = 0.0
        clock = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(snapshot.now))
        shown = screen(snapshot, self._max_hold, width)
        self._last = Group(Text(clock + hint, style="dim"), shown)
        return self._last
