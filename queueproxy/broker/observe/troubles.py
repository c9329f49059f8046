"""Finds what is not as it should be, in words for the terminal and the front's own page."""

import time
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from ...wording import count_text, printable, seconds_text
from .processes import RunningRequest, WorkerStats
from .snapshot import RECENT, QueueStats, Snapshot

Level = Literal["error", "warning"]


class Trouble(NamedTuple):
    """One thing to look at."""

    level: Level
    text: str


def troubles(snapshot: Snapshot, max_hold: float, *, utc: bool = False) -> list[Trouble]:
    """Everything wrong with the system as a whole, worst first.

    Args:
        max_hold: the setting ``MAX_HOLD``, seconds.
        utc: tell times of day in UTC, for people elsewhere; else in the zone of this machine.
    """
    found = [*_nobody_there(snapshot), *_all_stuck(snapshot, max_hold), *_of_releases(snapshot)]
    found += _of_memory(snapshot)
    for queue in snapshot.queues:
        found += _of_queue(queue, snapshot.now, max_hold, utc=utc)
    failures = snapshot.not_served()
    if failures.text:
        text = f"In {RECENT // 60} min: {failures.text} ({printable(failures.why)})."
        found.append(Trouble("warning", text))
    if snapshot.dead_letters:
        number = count_text(snapshot.dead_letters, "dead letter")
        found.append(Trouble("warning", f"{number}: manage.py queueproxy dead list"))
    if snapshot.unreadable:
        number = count_text(snapshot.unreadable, "value in the broker", "values in the broker")
        found.append(Trouble("warning", f"{number} could not be read: somebody wrote there."))
    return sorted(found, key=lambda trouble: trouble.level != "error")


def stuck_requests(workers: Sequence[WorkerStats], max_hold: float) -> list[RunningRequest]:
    """List what every thread of every worker runs, where each has run for longer than MAX_HOLD.

    Empty while any thread is free or its request is younger: then something is still served.
    """
    threads = sum(worker["threads"] for worker in workers)
    running = [request for worker in workers for request in worker["current"]]
    late = [request for request in running if request["seconds"] > max_hold]
    return late if late and len(late) >= threads else []


def request_text(request: RunningRequest) -> str:
    """Method and path of a running request."""
    return printable(f"{request['method'] or '?'} {request['path'] or '?'}")


def _nobody_there(snapshot: Snapshot) -> Iterator[Trouble]:
    if not snapshot.fronts:
        yield Trouble("error", "No front: nobody accepts requests.")
    if not snapshot.workers:
        yield Trouble("error", "No workers: requests wait until one starts.")
    elif not snapshot.serving:
        yield Trouble("error", f"All workers stand by: {_whom_to_activate(snapshot)}")


def _whom_to_activate(snapshot: Snapshot) -> str:
    active = [release.name for release in snapshot.releases if release.state == "active"]
    if active:
        return f"none is of the active release {printable(active[0])}."
    return "no release is active; manage.py queueproxy release activate NAME."


def _of_memory(snapshot: Snapshot) -> Iterator[Trouble]:
    if snapshot.nearly_full:
        used, most = snapshot.memory_bytes / 2**20, snapshot.memory_limit_bytes / 2**20
        of_requests = snapshot.queue_bytes / 2**20
        full = snapshot.memory_bytes >= snapshot.memory_limit_bytes
        then = "it is full, and takes no request" if full else "once it is full it takes no request"
        yield Trouble(
            "error",
            f"The broker uses {used:.0f} of {most:.0f} MiB memory, {of_requests:.0f} of them for "
            f"requests and answers; {then}.",
        )


def _of_releases(snapshot: Snapshot) -> Iterator[Trouble]:
    for failure in snapshot.boot_failures:
        yield Trouble("warning" if failure.serving else "error", printable(failure.text))
    nameless = sum(
        worker["state"] == "standby" and not worker["release"] for worker in snapshot.workers
    )
    if nameless:
        number = count_text(nameless, "worker stands", "workers stand")
        yield Trouble("warning", f"{number} by since no release is named there.")


def _all_stuck(snapshot: Snapshot, max_hold: float) -> Iterator[Trouble]:
    stuck = stuck_requests(snapshot.workers, max_hold)
    if stuck:
        paths = ", ".join(sorted({request_text(request) for request in stuck}))
        yield Trouble(
            "error",
            f"Every thread has run its request for longer than MAX_HOLD ({max_hold:g} s), "
            f"nothing else is served: {paths}",
        )


def _of_queue(queue: QueueStats, now: float, max_hold: float, *, utc: bool) -> Iterator[Trouble]:
    if queue.oldest_wait_seconds >= max_hold / 2:
        wait = seconds_text(queue.oldest_wait_seconds)
        text = f"{queue.name}: oldest wait {wait} of {max_hold:g} s"
        left = max_hold - queue.oldest_wait_seconds
        if left > 0:
            text += f"; first client is turned away in {seconds_text(left)}"
        yield Trouble("error", f"{text}.")
    if queue.paused:
        yield Trouble("warning", _pause_text(queue, now, utc=utc))
    if queue.pace:
        yield Trouble("warning", f"{queue.name} is let out at {queue.pace:g} a second.")


def _pause_text(queue: QueueStats, now: float, *, utc: bool) -> str:
    details = queue.pause or {}
    since = details.get("since", now)
    clock = "%H:%M:%S UTC" if utc else "%H:%M:%S %Z"
    since_text = time.strftime(clock, time.gmtime(since) if utc else time.localtime(since))
    text = (
        f"{queue.name} is paused by {printable(details.get('by', '?'))} "
        f"since {since_text} ({seconds_text(now - since)}), "
    )
    if details.get("hold"):
        text += "for as long as the command runs"
    else:
        text += f"for {seconds_text(details.get('until', now) - now)} more"
    reason = printable(details.get("reason") or "")
    return f"{text}: {reason}" if reason else text
