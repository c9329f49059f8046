"""queueproxy slowest: which routes take the most time."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand
from rich.table import Table
from rich.text import Text

from .. import conf
from ..broker.observe.routes import (
    WINDOWS,
    RouteReader,
    Routes,
    RouteTimes,
    ordered,
)
from ..wording import printable, seconds_text, share_text
from . import screen, watch
from .ask import DONE

COLUMNS = (*("req", "req/s", "run p50", "p95", "p99", "wait p50", "p95", "p99", "time", "5xx"),)
SPACE = 2  # characters between two columns
SHORTEST_ROUTE = 12  # characters


def slowest(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print the routes of a window, the slowest first."""
    with conf.broker().link("slowest") as link:
        routes = RouteReader(link).routes(WINDOWS[options["window"]])
    shown = ordered(routes.times, options["sort"])[: options["limit"]]
    if options["json"]:
        found = {
            "window": options["window"],
            "seconds": round(routes.seconds, 3),
            "counted_since": routes.counted_since,
            "routes": [routes.as_json(route) for route in shown],
        }
        command.stdout.write(json.dumps(found, indent=2))
        return DONE
    width = watch.terminal_width(command.stdout) or screen.PLAIN_WIDTH
    if routes.counted_since is not None:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(routes.counted_since))
        command.stdout.write(f"Counted since {since}.")
    if not shown:
        command.stdout.write("No request was run in this time.")
        return DONE
    command.stdout.write(_as_text(routes, shown, width), ending="")
    return DONE


def _as_text(routes: Routes, shown: list[RouteTimes], width: int) -> str:
    """Draw a table of so many characters; where there is no room, routes are shortened.

    A figure that was shortened would be another figure.
    """
    rows = [_figures(routes, route) for route in shown]
    taken = sum(max(map(len, column)) + SPACE for column in zip(COLUMNS, *rows, strict=True))
    table = Table(box=None, pad_edge=False, padding=(0, SPACE // 2), header_style="dim")
    width = max(width, taken + SHORTEST_ROUTE)
    table.add_column("route", overflow="ellipsis", no_wrap=True, max_width=width - taken)
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for route, figures in zip(shown, rows, strict=True):
        table.add_row(Text(printable(route.name)), *figures)
    return screen.as_text(table, width=width)


def _figures(routes: Routes, route: RouteTimes) -> tuple[str, ...]:
    figures = routes.as_json(route)
    times = (
        seconds_text(figures[f"{kind}_{share}_seconds"])
        for kind in ("run", "wait")
        for share in ("p50", "p95", "p99")
    )
    return (
        str(route.requests),
        f"{figures['per_second']:.2f}",
        *times,
        f"{figures['time_share']:.0%}",
        share_text(route.errors / route.requests) if route.errors else "-",
    )
