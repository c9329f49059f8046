"""Reads the lease clock: how long something has waited, and how long a pause lasts still.

It is described in scripts/_common.lua; unlike the server's own it doesn't jump.
"""

from collections.abc import Sequence

FIELD = "clock"  # of the state


def server_ms(time: Sequence[bytes]) -> int:
    """Milliseconds of the server's clock, from its answer to TIME (seconds and microseconds)."""
    return int(time[0]) * 1000 + int(time[1]) // 1000


def lease_clock(field: str | bytes | None, now_ms: int) -> int:
    """Milliseconds of the lease clock, as `lease_clock` of the scripts.

    Args:
        field: FIELD of the state, None where there is none.
        now_ms: of the server's clock.
    """
    if field is None:
        return now_ms
    last, set_at, lease, _ = map(int, field.split())
    return last + max(0, min(now_ms - set_at, lease // 3))


def waited_seconds(fields: dict[bytes, bytes], clock: int) -> float:
    """Tell how long a request has waited.

    Args:
        fields: of its entry.
        clock: ms of the lease clock.
    """
    try:
        arrived = int(fields[b"c"])
    except (KeyError, ValueError):  # nobody's request
        return 0.0
    return max(0, clock - arrived) / 1000
