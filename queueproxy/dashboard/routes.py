"""Shows which routes take the time, and one route's charts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from .. import conf
from ..broker.link.links import Link
from ..broker.observe.history import read_deploys
from ..broker.observe.routes import (
    DEFAULT_ORDER,
    ORDERS,
    WINDOWS,
    RouteReader,
    Routes,
    RouteTimes,
    RouteWindow,
    ordered,
)
from ..exceptions import BrokerUnavailable, SchemaMismatch
from ..wording import share_text
from .pages import away, page_context, require
from .wording import duration, moment

if TYPE_CHECKING:
    from ..admin import QueueAdmin

DEFAULT_WINDOW = "15m"
SHARES = ("p50", "p95", "p99")
SLOWEST = 5  # on the page of all


class RouteSelection(NamedTuple):
    """What a person has chosen to see: the window, the order, and one route; empty for all."""

    window_name: str = DEFAULT_WINDOW
    order: str = DEFAULT_ORDER
    route: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "RouteSelection":
        """Parse a query string; what is not known is the default."""
        window, order = query.get("window", ""), query.get("sort", "")
        return cls(
            window if window in WINDOWS else DEFAULT_WINDOW,
            order if order in ORDERS else DEFAULT_ORDER,
            query.get("route", ""),
        )

    @property
    def window(self) -> RouteWindow:
        """What the name stands for."""
        return WINDOWS[self.window_name]

    @property
    def query(self) -> str:
        """The query string that `of` makes this of."""
        words = {"window": self.window_name, "sort": self.order, "route": self.route}
        return urlencode({name: word for name, word in words.items() if word})


def routes(model_admin: "QueueAdmin", request: HttpRequest) -> TemplateResponse:
    """Render all routes, or the one in ``?route=``; 503 where the broker can't be asked."""
    require(request, "view_dashboard")
    shown = RouteSelection.of(request.GET)
    title = shown.route or _("Slowest routes")
    context = page_context(model_admin, request, title)
    context.update(
        shown=shown,
        windows=[(name, shown._replace(window_name=name).query) for name in WINDOWS],
        all_query=shown._replace(route="").query,
        below="routes" if shown.route else "queue",
    )
    try:
        with conf.broker().link("dashboard") as link:
            found = RouteReader(link).routes(shown.window)
            context.update(_since(found))
            if shown.route:
                context.update(_one(link, shown, found))
            else:
                context.update(columns=_columns(shown), rows=rows(found, shown))
    except (BrokerUnavailable, SchemaMismatch) as error:
        return away(request, context, error)
    name = "route" if shown.route else "routes"
    return TemplateResponse(request, f"queueproxy/{name}.html", context)


def slowest(link: Link) -> list[dict[str, Any]]:
    """Return the rows of the routes that took most of the time of late.

    Raises:
        BrokerUnavailable: it could not be asked.
    """
    shown = RouteSelection()
    return rows(RouteReader(link).routes(shown.window), shown)[:SLOWEST]


def rows(found: Routes, shown: RouteSelection) -> list[dict[str, Any]]:
    """Word the figures of all routes, in the order that was chosen."""
    return [_row(found, route, shown) for route in ordered(found.times, shown.order)]


def _row(found: Routes, route: RouteTimes, shown: RouteSelection) -> dict[str, Any]:
    figures = found.as_json(route)
    return {
        "name": route.name,
        "query": shown._replace(route=route.name).query,
        "requests": route.requests,
        "rate": _rate(figures["per_second"]),
        "runs": [duration(figures[f"run_{share}_seconds"]) for share in SHARES],
        "waits": [duration(figures[f"wait_{share}_seconds"]) for share in SHARES],
        "share": share_text(figures["time_share"]),
        "errors": route.errors,
        "error_share": share_text(route.errors / route.requests if route.errors else 0),
    }


def _rate(per_second: float) -> str:
    return f"{per_second:.1f}/s" if per_second >= 1 else _("%.1f/min") % (per_second * 60)


def _since(found: Routes) -> dict[str, Any]:
    since = found.counted_since
    return {"counted_since": None if since is None else moment(since), "as_of": moment(found.end)}


def _columns(shown: RouteSelection) -> list[dict[str, Any]]:
    """List the columns: what each is called, and the query that orders by it."""
    words = {
        "route": _("Route"),
        "rate": _("Requests"),
        "run_p50": _("Run p50"),
        "run_p95": _("Run p95"),
        "run_p99": _("Run p99"),
        "wait_p50": _("Wait p50"),
        "wait_p95": _("Wait p95"),
        "wait_p99": _("Wait p99"),
        "time": _("Share of time"),
        "errors": _("5xx"),
    }
    return [
        {
            "text": text,
            "query": shown._replace(order=order).query,
            "number": order != "route",
            "sorted": ("ascending" if order == "route" else "descending")
            if order == shown.order
            else "",
        }
        for order, text in words.items()
    ]


def _one(link: Link, shown: RouteSelection, found: Routes) -> dict[str, Any]:
    ends, periods = RouteReader(link).one(shown.window, shown.route)
    known = next((route for route in found.times if route.name == shown.route), None)
    return {
        "row": _row(found, known, shown) if known else None,
        "history": {
            **_columns_of_charts(shown.window, found.begin, ends, periods),
            "step": shown.window.period,
            "reach": shown.window.reach,
            "end": found.end,
            "since": found.counted_since,
            "deploys": [
                {"t": deploy.t, "release": deploy.release}
                for deploy in read_deploys(link, found.begin)
            ],
        },
    }


def _columns_of_charts(
    window: RouteWindow, begin: float, ends: list[int], periods: list[RouteTimes]
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"t": ends, "paused": [0] * len(ends), "rate": [], "errors": []}
    for end, period in zip(ends, periods, strict=True):
        began = max(begin, -(-end // window.period) * window.period - window.period)
        columns["rate"].append(round(period.requests / max(1.0, end - began), 4))
        columns["errors"].append(period.errors)
        for share in SHARES:
            for name, times in ((share, period.wait), (f"run_{share}", period.run)):
                seconds = times.percentile(int(share[1:]) / 100)
                columns.setdefault(name, []).append(seconds and round(seconds, 4))
    return columns
