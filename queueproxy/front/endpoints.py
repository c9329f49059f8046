"""What the front answers itself, also while all is paused: /-/livez, /-/readyz, /-/metrics."""

from collections.abc import Callable

from .holding import Front


class Endpoints:
    """The front's own URLs.

    Args:
        prefix: their common beginning; None for none.
        front: asked for its state.
    """

    def __init__(self, prefix: str | None, front: Front):
        self._front = front
        self._answers: dict[str, Callable[[], tuple[int, str]]] = {}
        if prefix is not None:
            self._answers[prefix + "livez"] = self._livez
            self._answers[prefix + "readyz"] = self._readyz

    def owns(self, path: str) -> bool:
        """Whether the front answers this path."""
        return path in self._answers

    async def answer(self, scope: dict, send: Callable) -> None:
        """Answer a request for one of the paths; GET and HEAD only."""
        if scope["method"] not in ("GET", "HEAD"):
            await _send(scope, send, 405, "Method not allowed.\n", [(b"allow", b"GET, HEAD")])
            return
        status, text = self._answers[scope["path"]]()
        await _send(scope, send, status, text, [])

    def _livez(self) -> tuple[int, str]:
        return 200, "ok\n"

    def _readyz(self) -> tuple[int, str]:
        if self._front.draining:
            return 503, "draining\n"
        if not self._front.courier.reachable:
            return 503, "broker away\n"
        return 200, "ok\n"


async def _send(scope: dict, send: Callable, status: int, text: str, headers: list) -> None:
    body = text.encode()
    fixed = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": fixed})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
