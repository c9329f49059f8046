"""Reads the pauses and their owners: the hash ``pauses``, as keys.py describes it."""

from collections.abc import Sequence
from typing import NamedTuple

from ...json_text import json_object


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

    def as_json(self, now: float, clock_ms: int) -> dict:
        """Return what ``status --json`` shows of it.

        Args:
            now: seconds of the broker's clock.
            clock_ms: of the lease clock at that moment.
        """
        shown = {"by": self.by, "reason": self.reason, "since": self.since}
        if self.hold:
            return {**shown, "hold": True}
        return {**shown, "until": round(now + (self.ends_ms - clock_ms) / 1000, 3)}


def read_pauses(flat: Sequence[bytes]) -> list[Pause]:
    """Parse the answer to HGETALL, holds last; what can't be read has defaults."""
    pauses = []
    for field, raw in zip(flat[::2], flat[1::2], strict=True):
        queue, _, owner = field.decode("utf-8", "replace").partition(" ")
        told = json_object(raw)
        pauses.append(
            Pause(
                queue=queue,
                by=str(told.get("by", "?")),
                reason=str(told.get("reason", "")),
                since=_number(told.get("since")),
                ends_ms=_number(told.get("ends")),
                hold=owner.startswith("hold:"),
            )
        )
    return sorted(pauses, key=lambda pause: (pause.hold, pause.ends_ms))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
