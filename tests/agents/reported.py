"""What agents reported, without what differs from one request or server to the next."""

import json
import re
from collections import defaultdict

# Of the connection, and what the queue tells a view beside the client's own headers.
NOT_COMPARED = frozenset(
    (
        *("Connection", "X-Request-Id", "X-Request-Start"),
        *("net.peer.port", "net.host.port", "SERVER_PORT"),
        *("wsgi.input.seconds", "wsgi.output.seconds", "thread.concurrency"),
        "webfrontend.queue.seconds",
    )
)
_PORT = re.compile(r"(127\.0\.0\.1):\d+")
_PATH = re.compile(r"^(?:http://127\.0\.0\.1:\d+)?(/[^?]*)")


def by_path(reports: list[dict]) -> dict[str, list[dict]]:
    """Comparable reports, in an order of their own, for each path that was asked for."""
    found = defaultdict(list)
    for report in reports:
        found[_path(report)].append(_comparable(report))
    return {path: sorted(reports, key=json.dumps) for path, reports in found.items()}


def _path(report: dict) -> str:
    attributes = report.get("attributes", {})
    url = report.get("url") or attributes.get("http.target") or attributes.get("http.url") or ""
    found = _PATH.match(url)
    return found[1] if found else ""


def _comparable(value):
    if isinstance(value, dict):
        return {
            name: _comparable(item)
            for name, item in sorted(value.items())
            if name not in NOT_COMPARED
        }
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    # New Relic also wraps gunicorn's application, and then names what it calls otherwise.
    return _PORT.sub(r"\1", text).replace("WSGIHandler.__call__", "WSGIHandler")
