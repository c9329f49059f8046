"""Words figures for logs and terminals; the dashboard has its own, translated."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def count_text(number: int, what: str, plural: str = "") -> str:
    """Word so many of something: ``1 worker``, ``2 workers``; `plural` where it takes more than an
    s.
    """
    return f"{number} {what if number == 1 else plural or what + 's'}"


def seconds_text(seconds: float | None) -> str:
    """Word a length of time in at most six characters."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"


def share_text(share: float) -> str:
    """Word a share of 1 as a percentage; what is not nothing is not called so."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Word a suggestion, to put behind a sentence; empty where nothing is alike."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def printable(text: object) -> str:
    """Text of strangers, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def escaped(text: object, most: int = 200) -> str:
    """Text of strangers as printable ASCII for a log, the rest escaped as in Python source.

    Args:
        most: characters; what is longer is cut, and ends in ``...``.
    """
    written = str(text)[: most + 1].encode("unicode_escape").decode("ascii")
    return written if len(written) <= most else f"{written[: most - 3]}..."


def requests_text(requests: Sequence[Mapping[str, Any]], most: int = 5) -> str:
    """Requests that run, as `broker.observe` tells them: ``GET /slow/ (id, 2.1 s)``, a few."""
    named = [
        f"{escaped(request['method'], most=20)} {escaped(request['path'])} "
        f"({escaped(request['request_id'])}, {seconds_text(request['seconds'])})"
        for request in requests[:most]
    ]
    if len(requests) > most:
        named.append(f"{len(requests) - most} more")
    return ", ".join(named)
