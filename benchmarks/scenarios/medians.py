"""What several shots of the same kind saw together."""

from collections.abc import Sequence
from statistics import median

from ..wrk import Seen


def medians(seen: Sequence[Seen]) -> dict:
    """Latencies in milliseconds and answers a second: medians, but the worst and errors of all."""
    return {
        "p50_ms": median(s.p50 for s in seen),
        "p99_ms": median(s.p99 for s in seen),
        "worst_ms": max(s.worst for s in seen),
        "per_second": median(s.per_second for s in seen),
        "errors": sum(s.errors for s in seen),
    }
