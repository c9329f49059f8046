"""Keeps the pause of ``hold``: a lease, renewed while a command runs, that ends soon after it."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from ..link.links import Link


class Renewal(NamedTuple):
    """The outcome of renewing a hold: queues on which somebody broke it, and whether it is new.

    ``anew``: the first time, after it had lapsed, and after the broker had lost it.
    """

    resumed: list[str]
    anew: bool


class Hold:
    """One hold, an owner of pauses beside people; where somebody broke it, it does not pause again.

    Each method raises BrokerUnavailable where it could not be asked; call again. Not thread-safe.

    Args:
        link: its own.
        queues: to pause.
        seconds: how long the pause outlives the last renewal.
        by, reason: shown to people.
    """

    def __init__(self, link: Link, queues: Sequence[str], seconds: float, *, by: str, reason: str):
        self._link = link
        self._queues = queues
        self._length_ms = int(seconds * 1000)
        self._token = secrets.token_hex(8)
        self._by = by
        self._reason = reason

    def keep(self) -> Renewal:
        """Pause, or go on pausing."""
        anew, *held = self._link.script(
            "hold", self._length_ms, self._token, self._by, self._reason, *self._queues
        )
        return Renewal([queue for queue in self._queues if queue.encode() not in held], anew == 1)

    def end(self) -> list[str]:
        """Let go; the queues that go on."""
        resumed = self._link.script("end_hold", self._token, *self._queues)
        return [name.decode() for name in resumed]

    def close(self) -> None:
        """Drop the link."""
        self._link.close()
