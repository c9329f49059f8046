"""Finds the views that have kept their threads for longer than ``VIEW_TIMEOUT``.

A thread that runs Python can't be ended from outside; its process can. So the process takes no new
work, its other threads finish, and then it ends with the views that have not returned.
"""

import logging
import sys
import sysconfig
import time
import traceback
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..broker.claims import Claim
from ..envelopes import RequestHead
from ..wording import requests_text
from .last_word import NOT_STARTED, Start

# Directories of Python's library and of installed packages.
_NOT_THE_PROJECTS = tuple(map(sysconfig.get_path, ("stdlib", "purelib", "platlib")))

logger = logging.getLogger("queueproxy.worker")


class Running(NamedTuple):
    """A request that the project's code is at work on."""

    thread: int
    """Its number in the process."""
    claim: Claim
    head: RequestHead
    since: float
    """When it began, by `time.monotonic`; of a stream, when its last piece was sent on."""
    begun: Start = NOT_STARTED
    """What is known of its start."""


class ViewClock:
    """For how long the project's code has been at one request: set by its thread, read by another.

    It stands still while the thread waits for its client or for the broker.

    Args:
        thread: its number in the process.
    """

    def __init__(self, thread: int):
        self._thread = thread
        self._begun = NOT_STARTED
        self.running: Running | None = None

    def begin(self, claim: Claim, head: RequestHead, begun: Start) -> None:
        """Note that the project's code begins with another request."""
        self._begun = begun
        self.start(claim, head)

    def start(self, claim: Claim, head: RequestHead) -> None:
        """Note that the project's code begins, or goes on."""
        self.running = Running(self._thread, claim, head, time.monotonic(), self._begun)

    def stop(self) -> None:
        """Note that it has returned."""
        self.running = None


class Watched(Protocol):
    """A thread that runs views."""

    @property
    def clock(self) -> ViewClock: ...

    @property
    def ident(self) -> int | None: ...

    def is_alive(self) -> bool: ...


class ViewWatch:
    """Finds views that have run for too long, and logs each once. For one thread.

    Args:
        limit: seconds (the setting VIEW_TIMEOUT); None for no limit.
        grace: seconds beyond it, in which somebody else may still end them.
    """

    def __init__(self, limit: float | None, grace: float = 0.0):
        self._limit = limit
        self._grace = grace
        self._told: list[Running] = []

    @property
    def found(self) -> bool:
        """Whether any view has run for too long so far."""
        return bool(self._told)

    def look(self, threads: Sequence[Watched]) -> list[Running]:
        """List what has run for too long and has not returned."""
        overdue = []
        for thread in threads:
            running = thread.clock.running
            if running and thread.is_alive() and self._seconds_left(running) <= 0:
                overdue.append(running)
                self._tell(thread, running)
        return overdue

    def seconds_to_next(self, threads: Sequence[Watched]) -> float:
        """Tell how long none can be too late; one that begins now has the whole of its time."""
        if self._limit is None:
            return float("inf")
        running = [thread.clock.running for thread in threads]
        return min([self._limit, *(self._seconds_left(one) for one in running if one)])

    def _seconds_left(self, running: Running) -> float:
        if self._limit is None:
            return float("inf")
        return running.since + self._limit + self._grace - time.monotonic()

    def _tell(self, thread: Watched, running: Running) -> None:
        if any(running is told for told in self._told):
            return
        self._told.append(running)
        logger.error(
            "%s has run past VIEW_TIMEOUT (%g s)%s. Its process takes no new request, finishes the "
            "others and ends.",
            running_text(running),
            self._limit,
            _place_of(thread),
        )


def running_text(running: Running) -> str:
    """Name a request that runs, and for how long it has."""
    head, seconds = running.head, time.monotonic() - running.since
    named = {"request_id": head.request_id, "method": head.method, "path": head.path}
    return requests_text([{**named, "seconds": seconds}])


def _place_of(thread: Watched) -> str:
    """Name the place of its code just now: the project's own, where any of that is under way."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return ""
    stack = traceback.extract_stack(frame)
    own = [place for place in stack if not place.filename.startswith(_NOT_THE_PROJECTS)]
    place = (own or stack)[-1]
    return f" and is at {place.filename}, line {place.lineno}"
