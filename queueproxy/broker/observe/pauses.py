"""Reads the pauses and their owners: the hash ``pauses``, as keys.py describes it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from .values import Milliseconds, Seconds, ValueReader


class Pause(NamedTuple):
    """One owner's pause of one queue.

    Attributes:
        since: seconds of the broker's clock.
        ends_ms: its end by the lease clock; 0 for a hold's, which lasts as long as its command.
        hold: whether a hold owns it.
    """

    queue: str
    by: str
    reason: str
    since: float
    ends_ms: float
    hold: bool

    def as_json(self, now: float, clock_ms: int) -> dict[str, Any]:
        """Return what ``status --json`` shows of it.

        Args:
            now: seconds of the broker's clock.
            clock_ms: of the lease clock at that moment.
        """
        shown = {"by": self.by, "reason": self.reason, "since": self.since}
        if self.hold:
            return {**shown, "hold": True}
        return {**shown, "until": round(now + (self.ends_ms - clock_ms) / 1000, 3)}


class _Told(msgspec.Struct, frozen=True):
    """What its JSON says."""

    by: str = "?"
    reason: str = ""
    since: Seconds = 0.0
    ends: Milliseconds = 0.0


_decode = msgspec.json.Decoder(_Told).decode


def read_pauses(values: ValueReader, flat: Sequence[bytes]) -> list[Pause]:
    """Parse the answer to HGETALL, holds last; what can't be read has defaults."""
    pauses = []
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        queue, _, owner = field.decode("utf-8", "replace").partition(" ")
        told = values.json(_decode, raw, _Told())
        pauses.append(
            Pause(
                queue=queue,
                by=told.by,
                reason=told.reason,
                since=told.since,
                ends_ms=told.ends,
                hold=owner.startswith("hold:"),
            )
        )
    return sorted(pauses, key=lambda pause: (pause.hold, pause.ends_ms))
