"""The front's own page about the system, ``/-/status``: made from the broker alone.

It tells the truth when no worker runs: no view, template or database has a part in it. Plain HTML
without a script, which renews itself until somebody stops that; the style is allowed by its hash.
It looks as the page in the admin does: both have their design from
``static/queueproxy/design.css``, read as the front starts.
"""

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ..broker.observe.processes import FrontStats
from ..broker.observe.snapshot import QueueStats, Snapshot, unreachable_status
from ..broker.observe.troubles import Trouble, request_text, troubles
from ..wording import count_text, seconds_text

REFRESH = 5  # seconds
STILL = "renew=never"  # in the query: no refresh

_DESIGN = Path(__file__).parents[1] / "static" / "queueproxy" / "design.css"
_STYLE = f"""
{_DESIGN.read_text(encoding="utf-8")}
:root{{color-scheme:light dark}}
body{{margin:0;font:.875rem/1.4 system-ui,sans-serif}}
body{{color:var(--qp-text);background:var(--qp-ground)}}
.qp-bar{{padding:.6rem 1rem;background:var(--qp-brand);color:var(--qp-on-brand)}}
main{{max-width:90rem;margin:0 auto;padding:0 1rem 2rem}}
h1{{font-size:1.25rem;font-weight:400;margin:1rem 0 .25rem}}
main>p{{margin:.25rem 0 1rem}}main>p a{{color:inherit}}section{{margin-bottom:2rem}}
.qp-wide{{overflow-x:auto}}table{{border-collapse:collapse;width:100%}}
th,td{{border-bottom:1px solid var(--qp-line);padding:.5rem;text-align:left;white-space:nowrap}}
th{{color:var(--qp-quiet);font-size:.75rem;font-weight:600;text-transform:uppercase}}
th.qp-number,td.qp-number{{text-align:right}}
.qp-wide:focus-visible{{outline:2px solid var(--qp-link)}}
""".strip()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

# For those who need more time than that to read it (WCAG 2.2.1), and to compare two moments.
_META = f'<meta http-equiv=refresh content="{REFRESH}">'
_RENEWED = f'renewed every {REFRESH} s. <a href="?{STILL}">Stop</a>'
_STILL = 'not renewed. <a href="?">Renew</a>'

Row = Sequence[object]

_ONCE_COLUMNS = ("queue", "run again", "replayed", "put off")


def as_json(snapshot: Snapshot | None) -> str:
    """Return what ``queueproxy status --json`` prints; None where the broker can't be asked."""
    return json.dumps(snapshot.as_status() if snapshot else unreachable_status(), indent=2) + "\n"


def as_html(snapshot: Snapshot, max_hold: float, *, renewed: bool = True) -> str:
    """Render the page.

    Args:
        max_hold: the setting ``MAX_HOLD``, seconds.
        renewed: whether it renews itself.
    """
    return _page(
        f"<p class=qp-quiet>{escape(_headline(snapshot))}</p>",
        _troubles(troubles(snapshot, max_hold, utc=True)),
        _tiles(snapshot.queues),
        _groups(snapshot),
        _once(snapshot),
        _table("Workers", ("worker", "state", "runs now"), _worker_rows(snapshot), left=3),
        _table("Fronts", ("front", "held", "up"), list(map(_front_row, snapshot.fronts)), left=1),
        renewed=renewed,
    )


def as_html_without_broker(error: str, away_for: float, *, renewed: bool = True) -> str:
    """Render the page while the broker can't be asked.

    Args:
        away_for: seconds since the front has asked it in vain; 0 where it has not yet.
    """
    since = f" since {_clock(away_for)}, for {seconds_text(away_for)}" if away_for else ""
    text = f"The broker can't be reached{since}: {error}. Requests are held until it is back."
    return _page(_troubles([Trouble("error", text)]), renewed=renewed)


def _page(*parts: str, renewed: bool) -> str:
    told = _RENEWED if renewed else _STILL
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Queue status</title>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"{_META if renewed else ''}<style>{_STYLE}</style></head>"
        "<body class=qp><header class=qp-bar>queueproxy</header><main>"
        f"<h1>Queue status</h1><p class=qp-quiet>As of {_clock()}; {told}</p>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _clock(ago: float = 0.0) -> str:
    """So many seconds ago."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() - ago))


def _headline(snapshot: Snapshot) -> str:
    held = sum(front["held"] for front in snapshot.fronts)
    parts = (
        f"{snapshot.server} {snapshot.version}",
        snapshot.memory_text,
        count_text(len(snapshot.fronts), "front"),
        count_text(len(snapshot.workers), "worker"),
        f"{held} held",
    )
    return " · ".join(parts)


def _troubles(found: list[Trouble]) -> str:
    items: list[tuple[str, str]] = [*found] or [("fine", "Nothing is wrong.")]
    lines = "".join(f"<li data-level={level}>{escape(text)}</li>" for level, text in items)
    return f"<ul class=qp-badges>{lines}</ul>"


def _table(title: str, columns: tuple[str, ...], rows: Sequence[Row], *, left: int) -> str:
    if not rows:
        return f"<section><h2>{title}</h2><p class=qp-none>None.</p></section>"
    classes = ["" if number < left else " class=qp-number" for number in range(len(columns))]
    head = "".join(
        f"<th{c} scope=col>{name}</th>" for c, name in zip(classes, columns, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{c}>{escape(str(v))}</td>" for c, v in zip(classes, row, strict=True))
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    # Reached by the keyboard too: on a phone it is wider than the screen.
    wide = f'<div class=qp-wide tabindex=0 role=region aria-label="{title}">{table}</div>'
    return f"<section><h2>{title}</h2>{wide}</section>"


def _tiles(queues: Sequence[QueueStats]) -> str:
    tiles = "".join(map(_tile, queues))
    return f"<section class=qp-tiles aria-label=Queues>{tiles}</section>"


def _tile(queue: QueueStats) -> str:
    """Render one queue as the page in the admin does, without what can be done there."""
    figures = (
        ("Oldest wait", seconds_text(queue.oldest_wait_seconds) if queue.depth else "-"),
        ("Arriving", f"{queue.arrival_rate:.1f}/s"),
        ("Completing", f"{queue.completion_rate:.1f}/s"),
        *zip(("Wait p50", "p95", "p99"), map(seconds_text, queue.wait_percentiles), strict=True),
        *zip(("Run p50", "p95", "p99"), map(seconds_text, queue.run_percentiles), strict=True),
    )
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures)
    paused = "<span class=qp-flag>paused</span>" if queue.paused else ""
    return (
        f'<article class="qp-tile{" qp-paused" if queue.paused else ""}">'
        f"<header><h2>{escape(queue.name)}</h2>{paused}</header>"
        f"<p class=qp-depth><strong>{queue.depth}</strong> waiting</p>"
        f"<p class=qp-quiet>{queue.in_flight} in flight, {queue.completed_total} completed</p>"
        f"<dl>{listed}</dl></article>"
    )


def _groups(snapshot: Snapshot) -> str:
    rows = [(group.name, group.text) for group in snapshot.groups]
    return _table("Limited views", ("view", "runs"), rows, left=2) if rows else ""


def _once(snapshot: Snapshot) -> str:
    rows = [
        (queue.name, queue.retried_total, queue.replayed_total, queue.deferred_total)
        for queue in snapshot.queues
        if queue.once_text
    ]
    return _table("Exactly once", _ONCE_COLUMNS, rows, left=1) if rows else ""


def _worker_rows(snapshot: Snapshot) -> list[Row]:
    rows: list[Row] = []
    for worker in snapshot.workers:
        name = worker["name"] or f"{worker['host']}:{worker['pid']}"
        running = [f"{request_text(r)} {seconds_text(r['seconds'])}" for r in worker["current"]]
        rows.append((name, worker["state"], running[0] if running else ""))
        rows += [("", "", text) for text in running[1:]]
    return rows


def _front_row(front: FrontStats) -> Row:
    return f"{front['host']}:{front['pid']}", front["held"], seconds_text(front["age_seconds"])
