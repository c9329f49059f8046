"""queueproxy find: what became of one request."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from .. import conf
from ..broker.observe.find import RequestFinder
from ..broker.observe.found_request import (
    ANSWERED,
    DEAD_LETTER,
    LEFT,
    RUNNING,
    TURNED_AWAY,
    WAITING,
    FoundRequest,
)
from ..broker.observe.not_served import reason_text
from ..wording import printable, seconds_text
from .ask import DID_NOT_HOLD, DONE

STATES = {
    WAITING: "waits",
    RUNNING: "runs",
    ANSWERED: "was answered",
    LEFT: "its client left before the end of the answer",
    DEAD_LETTER: "could not be run to its end",
    TURNED_AWAY: "was answered by its front",
}
STEPS = {
    "arrived": "taken in by its front",
    "queued": "put on its queue",
    "claimed": "claimed",
    "first_byte": "answer began",
    "settled": "over",
    "refused": "answered by its front",
    "left": "its client left",
}


def find(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print each request of that id with its steps; status 1 where there is none."""
    with conf.broker().link("find") as link:
        settings = conf.get_settings()
        finder = RequestFinder(link, settings.all_queues)
        found = finder.find(options["id"])
        since = finder.kept_since(settings.keep_answered)
    if options["json"]:
        command.stdout.write(json.dumps([one.as_json() for one in found], indent=2))
        return DONE if found else DID_NOT_HOLD
    for one in found:
        command.stdout.write(_title(one))
        for line in _steps(one):
            command.stdout.write(line)
    if not found:
        command.stdout.write(nothing_found(since))
        return DID_NOT_HOLD
    return DONE


def nothing_found(since: float | None) -> str:
    """Say where was looked, and that it was in vain."""
    kept = conf.get_settings().keep_answered
    if not kept:
        answered = "What was answered is not kept (KEEP_ANSWERED is 0)."
    elif since is None:
        answered = "No answered request is kept yet."
    else:
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(since))
        answered = (
            f"Of answered ones all are kept since {at}, but for the last quarter of a second "
            "before a worker was killed."
        )
    return (
        f"No such request waits, runs or is a dead letter. {answered} "
        "What clients sent wrong, or left before it ran, is in the access log alone."
    )


def _title(one: FoundRequest) -> str:
    what = f"{printable(one.method)} {printable(one.path or one.route or '?')}"
    status = f" {one.status}" if one.status else ""
    why = f": {printable(reason_text(one.reason))}" if one.reason else ""
    letter = f" (dead letter {one.letter})" if one.letter else ""
    begun = ", its answer has begun" if one.answering else ""
    started = f", started {one.attempts} times" if one.attempts > 1 else ""
    queue = f"  queue {printable(one.queue)}" if one.queue else ""
    return f"{what}  {STATES[one.state]}{begun}{status}{why}{letter}{started}{queue}"


def _steps(one: FoundRequest) -> list[str]:
    lines, before = [], 0.0
    for moment in one.moments:
        at = datetime.fromtimestamp(moment.at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        later = f"+{seconds_text(moment.at - before)}" if before else ""
        by = f"by {printable(moment.by)}" if moment.by else ""
        release = f"(release {printable(one.release)})" if one.release and by else ""
        words = f"  {at} UTC  {later:>8}  {STEPS[moment.what]} {by} {release}"
        lines.append(words.rstrip())
        before = moment.at
    return lines
