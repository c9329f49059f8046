"""queueproxy release smoke: what a release that stands by answers, beside the active one."""

import asyncio
from typing import Any

from django.conf import settings as django_settings
from django.core.management.base import BaseCommand, CommandError

from .. import conf
from ..broker.link.links import Link
from ..broker.operate.control import Control
from ..broker.operate.releases import Releases
from ..broker.operate.smoke import Outcome, Smoke
from ..wording import printable, seconds_text
from ..worker.plain_paths import plain_paths
from .ask import COULD_NOT_ASK, DID_NOT_HOLD, DONE
from .release import is_there


def smoke(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print what each path gives; exit status 1 where a release fails on any."""
    paths = [*options["paths"], *(plain_paths(conf.policies_by_name()) if options["all"] else ())]
    if not paths:
        raise CommandError("Name paths, or --all.", returncode=COULD_NOT_ASK)
    for path in paths:
        if not path.startswith("/"):
            raise CommandError(f"{path!r} does not begin with '/'.", returncode=COULD_NOT_ASK)
    with conf.broker().link("control") as link:
        why_not = _why_not(link, options["name"])
        active = Releases(link).activation().active
    if why_not:
        command.stderr.write(why_not)
        return DID_NOT_HOLD
    compared = active if active != options["name"] else None
    width = max(map(len, paths))
    failed = asyncio.run(_run(command, options, paths, compared, width))
    if failed:
        command.stderr.write(f"{failed} of {len(paths)} failed.")
    return DID_NOT_HOLD if failed else DONE


def _why_not(link: Link, name: str) -> str:
    """Say why nothing would be run; empty where it would."""
    if not is_there(link, name):
        return f"There is no worker of {printable(name)}."
    queue = _queue()
    return f"{queue} is paused: nothing would be run." if Control(link).paused([queue]) else ""


async def _run(
    command: BaseCommand,
    options: dict[str, Any],
    paths: list[str],
    compared: str | None,
    width: int,
) -> int:
    """Print a line for each path as it comes; how many failed."""
    asked, failed = _smoke(options), 0
    for path in paths:
        outcome = await asked.get(options["name"], path)
        # What hurts a release that stands by would hurt the one that serves clients.
        other = await asked.get(compared, path) if compared and not outcome.problem else None
        failed += outcome.failed
        told = _told(outcome)
        if other is not None:
            told = f"{told:<34}  {compared}: {_told(other):<34}  {_difference(outcome, other)}"
        command.stdout.write(f"{printable(path):<{min(width, 60)}}  {told}".rstrip())
    return failed


def _smoke(options: dict[str, Any]) -> Smoke:
    settings = conf.get_settings()
    headers = [("Host", options["host"] or _host()), ("User-Agent", "queueproxy release smoke")]
    for line in options["headers"]:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise CommandError(f"No header: {line!r}.", returncode=COULD_NOT_ASK)
        headers.append((name.strip(), value.strip()))
    return Smoke(
        conf.broker(),
        _queue(),
        settings.all_queues,
        conf.signing_secrets(),
        headers=headers,
        scheme="https" if django_settings.SECURE_SSL_REDIRECT else "http",
        patience=options["timeout"],
    )


def _queue() -> str:
    """Choose the queue that the requests wait in."""
    queues = conf.get_settings().queues
    return "default" if "default" in queues else queues[0]


def _host() -> str:
    """Choose a host that the site answers to."""
    for host in django_settings.ALLOWED_HOSTS:
        if host != "*":
            return f"www{host}" if host.startswith(".") else host
    return "localhost"


def _told(outcome: Outcome) -> str:
    if outcome.problem:
        begun = f"{outcome.status}, then" if outcome.status else "-"
        return printable(f"{begun} {outcome.problem}")
    return f"{outcome.status} in {seconds_text(outcome.seconds)}, {outcome.size} bytes"


def _difference(outcome: Outcome, other: Outcome) -> str:
    if outcome.problem or other.problem:
        return ""
    if outcome.status != other.status:
        return "other status"
    if outcome.location != other.location:
        return "other location"
    return "same" if outcome.digest == other.digest else "other body"
