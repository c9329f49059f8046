"""Requests as people see them in lists: those that wait, and dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ...exceptions import DecodeError
from ...json_text import decoded
from ..observe.lease_clock import waited_seconds

# Headers whose values say nothing of a person; of all others only the names are shown.
SHOWN_HEADERS = frozenset(
    (
        *("accept", "accept-encoding", "accept-language", "content-length", "content-type"),
        *("host", "user-agent"),
    )
)
MASK = "[redacted]"


class LetterHead(msgspec.Struct, frozen=True):
    """The part of a request's head that is shown, with defaults where it can't be read."""

    method: str = "?"
    path: str = "?"
    query: str = ""
    headers: list[tuple[str, str]] = []
    request_id: str | None = None
    body_size: int = 0
    scheme: str = "http"


@dataclass(frozen=True)
class DeadLetter:
    """A request that could not be run. Times in seconds of the broker's clock."""

    id: str
    at: float
    reason: str
    request: str
    queue: str
    attempts: int
    worker: str
    claimed: float
    version: str
    head: "LetterHead"
    raw_head: bytes
    signature: bytes
    body: bytes
    body_kept: bool
    size: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The request's headers, as they were sent."""
        return self.head.headers

    def redacted_headers(self) -> list[tuple[str, str]]:
        """List the request's headers without the values that may say who a person is."""
        return [
            (name, value if name.lower() in SHOWN_HEADERS else MASK) for name, value in self.headers
        ]

    def redacted_query(self) -> str:
        """Return the query, or only that there was one: it may hold tokens and names."""
        return MASK if self.head.query else ""


@dataclass(frozen=True)
class Waiting:
    """A waiting request, for people to see."""

    queue: str
    entry: str
    method: str
    path: str
    seconds: float
    request_id: str = ""


_decode_head = msgspec.json.Decoder(LetterHead).decode


def named_fields(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the fields of an entry by name."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def waiting_of(queue: str, entry: str, named: dict[bytes, bytes], clock_ms: int) -> Waiting:
    """Parse an entry of a queue.

    Args:
        clock_ms: of the lease clock.
    """
    head = _head(named.get(b"h", b""))
    return Waiting(
        queue=queue,
        entry=entry,
        method=head.method,
        path=head.path,
        seconds=round(waited_seconds(named, clock_ms), 1),
        request_id=head.request_id or "",
    )


def _head(raw: bytes) -> LetterHead:
    try:
        return decoded(_decode_head, raw)
    except DecodeError:
        return LetterHead()


def dead_letter_of(id: str, named: dict[bytes, bytes]) -> DeadLetter:
    """Parse a dead letter, with defaults for what a stranger left out or wrote in another way."""
    raw = {name.decode("utf-8", "replace"): value for name, value in named.items()}

    def text(name: str) -> str:
        return raw.get(name, b"").decode("utf-8", "replace")

    return DeadLetter(
        id=id,
        at=int(id.partition("-")[0]) / 1000,
        reason=text("reason"),
        request=text("id"),
        queue=text("queue"),
        attempts=_number(text("attempts")),
        worker=text("worker"),
        claimed=_number(text("claimed")) / 1000,
        version=text("v"),
        head=_head(raw.get("h", b"")),
        raw_head=raw.get("h", b""),
        signature=raw.get("s", b""),
        body=raw.get("b", b""),
        body_kept=text("body_kept") == "1",
        size=_number(text("size")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
