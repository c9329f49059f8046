"""The lease clock, read: how long something has waited, and how long a pause lasts still.

It is described in scripts/_common.lua; unlike the server's own it doesn't jump.
"""

FIELDS = ("clock", "clock_at", "lease")  # of the state, as `lease_clock` takes them
LEASE_UNTOLD = 15_000  # ms; until the first process joins


def lease_clock(
    clock: str | bytes | None, clock_at: str | bytes | None, lease: str | bytes | None, now_ms: int
) -> int:
    """Milliseconds of the lease clock, as `clock` of the scripts.

    Args:
        clock, clock_at, lease: the fields of the state, None where there is none.
        now_ms: of the server's clock.
    """
    if clock is None or clock_at is None:
        return now_ms
    step = int(lease or LEASE_UNTOLD) // 3
    return int(clock) + max(0, min(now_ms - int(clock_at), step))


def waited_seconds(fields: dict[bytes, bytes], clock: int) -> float:
    """How long a request has waited.

    Args:
        fields: of its entry.
        clock: ms of the lease clock.
    """
    try:
        arrived = int(fields[b"c"])
    except (KeyError, ValueError):  # nobody's request
        return 0.0
    return max(0, clock - arrived) / 1000
