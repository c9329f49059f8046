"""Reads the lease clock: how long something has waited, and how long a pause lasts still.

It is described in scripts/_common.lua; unlike the server's own it doesn't jump.
"""

import re
from collections.abc import Sequence

FIELD = "clock"  # of the state
_PATTERN = re.compile(r"(\d{1,15}) (\d{1,15}) (\d{1,15}) ", re.ASCII)


def server_ms(time: Sequence[bytes]) -> int:
    """Milliseconds of the server's clock, from its answer to TIME (seconds and microseconds)."""
    return int(time[0]) * 1000 + int(time[1]) // 1000


def lease_clock(field: str | bytes | None, now_ms: int) -> int:
    """Milliseconds of the lease clock, as `lease_clock` of the scripts.

    Args:
        field: FIELD of the state, None where there is none; what is no clock counts for nothing,
            as there.
        now_ms: of the server's clock.
    """
    text = field.decode("utf-8", "replace") if isinstance(field, bytes) else field
    match = _PATTERN.match(text or "")
    if match is None:
        return now_ms
    last, set_at, lease = map(int, match.groups())
    return last + max(0, min(now_ms - set_at, lease // 3))


def waited_seconds(fields: dict[bytes, bytes], clock: int) -> float:
    """Tell how long a request has waited.

    Args:
        fields: of its entry.
        clock: ms of the lease clock.
    """
    try:
        arrived = int(fields[b"c"])
        return max(0, clock - arrived) / 1000
    except (KeyError, ValueError, OverflowError):  # nobody's request
        return 0.0
