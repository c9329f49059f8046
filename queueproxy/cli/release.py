"""queueproxy release list, activate, rollback and off; smoke is in a module of its own."""

import json
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from .. import conf
from ..broker.link.links import Link
from ..broker.observe.reader import SnapshotReader
from ..broker.operate.releases import KEEP, Activated, Releases
from ..wording import printable
from .ask import DID_NOT_HOLD, DONE
from .parsers.releases import READY_WITHIN

LOOK_EVERY = 0.1  # seconds


def list_releases(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print all that there are."""
    snapshot = SnapshotReader(
        conf.broker().link("status"), conf.get_settings().all_queues
    ).snapshot()
    if options["json"]:
        told = [release.as_json() for release in snapshot.releases]
        command.stdout.write(json.dumps(told, indent=2))
        return DONE
    for release in snapshot.releases:
        command.stdout.write(printable(release.text))
    if not snapshot.releases:
        command.stdout.write("No worker names a release.")
    for failure in snapshot.boot_failures:
        command.stderr.write(printable(failure.text))
    return DONE


def activate(command: BaseCommand, options: dict[str, Any]) -> int:
    """Let one release serve."""
    return activate_when_ready(
        options["name"],
        command.stdout.write,
        command.stderr.write,
        keep=options["keep"],
        wait=options["timeout"],
        force=options["force"],
    )


def activate_when_ready(
    name: str,
    say: Callable[[str], object],
    complain: Callable[[str], object],
    *,
    keep: float = KEEP,
    wait: float = READY_WITHIN,
    force: bool = False,
) -> int:
    """Activate a release as soon as a worker of it is ready; an exit status.

    Args:
        say, complain: told what was done, and what was not.
        keep: seconds that the workers of the release before stay.
        wait: seconds until one must be ready.
        force: activate it whether or not one is.
    """
    with conf.broker().link("control") as link:
        releases, until = Releases(link), time.monotonic() + wait
        told = False
        while (done := releases.activate(name, keep=keep, force=force)).what == "no_worker":
            if time.monotonic() >= until:
                break
            if not told:
                complain(f"Waits {wait:g} s at most for a worker of {printable(name)} to be ready.")
            told = True
            time.sleep(LOOK_EVERY)
        if done.what == "done" and force and not is_there(link, name):
            complain(f"There is no worker of {printable(name)}: nobody serves until one starts.")
    return _tell(done, name, keep, say, complain)


def is_there(link: Link, name: str) -> bool:
    """Whether there is a worker of a release, ready or not."""
    found = SnapshotReader(link, conf.get_settings().all_queues).snapshot().releases
    return any(release.name == name and release.workers for release in found)


def roll_back(command: BaseCommand, options: dict[str, Any]) -> int:
    """Let the release before serve again."""
    with conf.broker().link("control") as link:
        releases = Releases(link)
        before = releases.activation().previous
        done = releases.roll_back(
            keep=options["keep"], instead_of=options["instead_of"], force=options["force"]
        )
    if done is None or (done.what == "no_worker" and before is None):
        command.stderr.write(
            "No release was active before, and there is no worker that serves without one."
        )
        return DID_NOT_HOLD
    say, complain = command.stdout.write, command.stderr.write
    return _tell(done, before or "", options["keep"], say, complain)


def end_releases(command: BaseCommand, options: dict[str, Any]) -> int:
    """Let workers of any release serve, but for those that stand by."""
    with conf.broker().link("control") as link:
        done = Releases(link).activate("", keep=0, force=options["force"])
    if done.what == "no_worker":
        command.stderr.write(
            "Without an active release nobody would serve: no worker runs, or all stand by."
        )
        return DID_NOT_HOLD
    if done.what == "already":
        command.stdout.write("No release is active.")
    else:
        command.stdout.write(f"{printable(done.previous)} is not the only one any more.")
    return DONE


def _tell(
    done: Activated,
    wanted: str,
    keep: float,
    say: Callable[[str], object],
    complain: Callable[[str], object],
) -> int:
    active = printable(done.active) or "no release"
    if done.what == "done":
        becomes = "stands by" if keep else "ends"
        before = f"; {printable(done.previous)} {becomes}" if done.previous else ""
        say(f"{active} is active{before}.")
        return DONE
    if done.what == "already":
        say(f"{active} is active already.")
        return DONE
    if done.what == "no_worker":
        complain(f"No worker of {printable(wanted)} is ready; active: {active}.")
    else:
        complain(f"Somebody has activated another meanwhile; active: {active}.")
    return DID_NOT_HOLD
