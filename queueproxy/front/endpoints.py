"""What the front answers itself, also while all is paused: /-/livez, /-/readyz, /-/metrics."""

import asyncio
import ipaddress
from collections.abc import Callable

from ..broker.observe.metrics import CONTENT_TYPE, exposition
from ..broker.observe.reader import SnapshotReader
from ..exceptions import BrokerUnavailable
from .front import Front
from .http.headers import date_header

PLAIN = "text/plain; charset=utf-8"

Result = tuple[int, str, str]  # status, content type, text


class Endpoints:
    """The front's own URLs.

    Args:
        prefix: their common beginning; None for none.
        front: asked for its state.
        open_stats: makes what reads the broker for the metrics.
    """

    def __init__(self, prefix: str | None, front: Front, open_stats: Callable[[], SnapshotReader]):
        self._front = front
        self._open_stats = open_stats
        self._answers: dict[str, Callable] = {}
        if prefix is not None:
            self._answers[prefix + "livez"] = self._livez
            self._answers[prefix + "readyz"] = self._readyz
            self._answers[prefix + "metrics"] = self._metrics

    def owns(self, path: str) -> bool:
        """Whether the front answers this path."""
        return path in self._answers

    async def answer(self, scope: dict, send: Callable, server_adds: frozenset[bytes]) -> None:
        """Answer a request for one of the paths; GET and HEAD only.

        Args:
            server_adds: lower-case names of headers that the server puts in by itself.
        """
        extra = [] if b"date" in server_adds else [date_header()]
        if scope["method"] not in ("GET", "HEAD"):
            extra.append((b"allow", b"GET, HEAD"))
            await _send(scope, send, (405, PLAIN, "Method not allowed.\n"), extra)
            return
        await _send(scope, send, await self._answers[scope["path"]](scope), extra)

    async def _livez(self, scope: dict) -> Result:
        return 200, PLAIN, "ok\n"

    async def _readyz(self, scope: dict) -> Result:
        if self._front.draining:
            return 503, PLAIN, "draining\n"
        if not self._front.sender.reachable:
            return 503, PLAIN, "broker away\n"
        return 200, PLAIN, "ok\n"

    async def _metrics(self, scope: dict) -> Result:
        if not _is_loopback(scope):
            return 403, PLAIN, "Metrics are for loopback clients.\n"
        try:
            # In a thread: one scrape is no reason for a second, asynchronous reader.
            return 200, CONTENT_TYPE, await asyncio.to_thread(self._read_metrics)
        except BrokerUnavailable:
            return 503, PLAIN, "broker away\n"

    def _read_metrics(self) -> str:
        stats = self._open_stats()
        try:
            return exposition(stats.snapshot())
        finally:
            stats.close()


def _is_loopback(scope: dict) -> bool:
    client = scope.get("client")
    if not client:
        return True  # a unix socket
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


async def _send(scope: dict, send: Callable, result: Result, extra: list) -> None:
    status, content_type, text = result
    body = text.encode()
    fixed = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": fixed})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
