"""The front's own page about the system, ``/-/status``: made from the broker alone.

It tells the truth when no worker runs: no view, template or database has a part in it. Plain HTML
that renews itself, without a script; the style is allowed by its hash.
"""

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from html import escape

from ..broker.observe.processes import FrontStats
from ..broker.observe.snapshot import QueueStats, Snapshot, unreachable_status
from ..broker.observe.troubles import Trouble, request_text, troubles
from ..wording import count_text, seconds_text

REFRESH = 5  # seconds

_STYLE = """
:root{color-scheme:light dark;
--line:#d0d7de;--dim:#57606a;--bad:#a40e26;--warn:#7d4e00;--ok:#116329}
@media(prefers-color-scheme:dark){:root{--line:#3d444d;--dim:#9198a1;--bad:#ff8182;--warn:#e3b341;
--ok:#56d364}}
body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:60rem;padding:0 1rem}
h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:1.5rem 0 .25rem}
p{margin:.25rem 0}.dim{color:var(--dim)}
ul{list-style:none;margin:1rem 0;padding:0}
li{border-left:.3rem solid;margin:.3rem 0;padding:.1rem .6rem}
.error{border-color:var(--bad);color:var(--bad)}.warning{border-color:var(--warn);color:var(--warn)}
.fine{border-color:var(--ok);color:var(--ok)}
div{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid var(--line);padding:.25rem .6rem;text-align:left;white-space:nowrap}
th{color:var(--dim);font-weight:500}.n{text-align:right;font-variant-numeric:tabular-nums}
""".strip()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

Row = Sequence[object]

_ONCE_COLUMNS = ("queue", "run again", "replayed", "put off")
_QUEUE_COLUMNS = (
    *("queue", "depth", "running", "oldest", "in/s", "out/s", "wait p50", "p95", "p99"),
    *("run p50", "p95", "p99"),
)


def as_json(snapshot: Snapshot | None) -> str:
    """Return what ``queueproxy status --json`` prints; None where the broker can't be asked."""
    return json.dumps(snapshot.as_status() if snapshot else unreachable_status(), indent=2) + "\n"


def as_html(snapshot: Snapshot, max_hold: float) -> str:
    """Render the page.

    Args:
        max_hold: the setting ``MAX_HOLD``, seconds.
    """
    return _page(
        f"<p class=dim>{escape(_headline(snapshot))}</p>",
        _troubles(troubles(snapshot, max_hold)),
        _table("Queues", _QUEUE_COLUMNS, [_queue_row(queue) for queue in snapshot.queues], left=1),
        _groups(snapshot),
        _once(snapshot),
        _table("Workers", ("worker", "state", "runs now"), _worker_rows(snapshot), left=3),
        _table("Fronts", ("front", "held", "up"), list(map(_front_row, snapshot.fronts)), left=1),
    )


def as_html_without_broker(error: str) -> str:
    """Render the page while the broker can't be asked."""
    text = f"The broker can't be reached: {error}. Requests are held until it is back."
    return _page(_troubles([Trouble("error", text)]))


def _page(*parts: str) -> str:
    clock = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Queue status</title>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f'<meta http-equiv=refresh content="{REFRESH}"><style>{_STYLE}</style></head><body><main>'
        f"<h1>Queue status</h1><p class=dim>{clock}, renewed every {REFRESH} s</p>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _headline(snapshot: Snapshot) -> str:
    held = sum(front["held"] for front in snapshot.fronts)
    parts = (
        f"{snapshot.server} {snapshot.version}",
        f"{snapshot.memory_bytes / 2**20:.1f} MiB",
        count_text(len(snapshot.fronts), "front"),
        count_text(len(snapshot.workers), "worker"),
        f"{held} held",
    )
    return " · ".join(parts)


def _troubles(found: list[Trouble]) -> str:
    items: list[tuple[str, str]] = [*found] or [("fine", "Nothing is wrong.")]
    lines = "".join(f"<li class={level}>{escape(text)}</li>" for level, text in items)
    return f"<ul>{lines}</ul>"


def _table(title: str, columns: tuple[str, ...], rows: Sequence[Row], *, left: int) -> str:
    if not rows:
        return f"<h2>{title}</h2><p class=dim>None.</p>"
    classes = ["" if number < left else " class=n" for number in range(len(columns))]
    head = "".join(
        f"<th{c} scope=col>{name}</th>" for c, name in zip(classes, columns, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{c}>{escape(str(v))}</td>" for c, v in zip(classes, row, strict=True))
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    # Reached by the keyboard too: on a phone it is wider than the screen.
    return f'<h2>{title}</h2><div tabindex=0 role=region aria-label="{title}">{table}</div>'


def _queue_row(queue: QueueStats) -> Row:
    return (
        f"{queue.name} (paused)" if queue.paused else queue.name,
        queue.depth,
        queue.in_flight,
        seconds_text(queue.oldest_wait_seconds) if queue.depth else "-",
        f"{queue.arrival_rate:.1f}",
        f"{queue.completion_rate:.1f}",
        *(seconds_text(seconds) for seconds in (*queue.wait_percentiles, *queue.run_percentiles)),
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
