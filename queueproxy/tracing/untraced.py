"""An attempt that is not traced: what a worker does with any attempt, doing nothing."""

from collections.abc import Callable
from typing import Any

from ..broker.claims import Claim, Settlement
from ..envelopes import Envelope


class Untraced:
    """One attempt to run a request."""

    def seen_by_view(self, envelope: Envelope) -> Envelope:
        """Return the request as its view sees it: with the attempt's context in its headers."""
        return envelope

    def around(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return what makes the call with the attempt's context as the current one."""
        return call

    def enter(self) -> None:
        """Make the attempt's context the current one, for the rest of the running task."""

    def end(self, settlement: Settlement | None) -> None:
        """End it; None where there is no settlement, by an error."""


UNTRACED = Untraced()


class NoTracing:
    """What begins the trace of each attempt of a process, where tracing is not set up."""

    def begin(self, claim: Claim, envelope: Envelope, worker: str) -> Untraced:
        """Begin the trace of an attempt.

        Args:
            envelope: verified.
            worker: id of this process.
        """
        return UNTRACED


NO_TRACING = NoTracing()
