"""Runs each examination; none that fails by itself keeps the others from being run."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand

from ...wording import printable
from ..ask import DID_NOT_HOLD, DONE
from . import broker, databases, limits, project, proxies, settings, site
from .finding import Finding, is_healthy
from .report import as_json, as_text


def doctor(command: BaseCommand, options: dict[str, Any]) -> int:
    """Print what was found; exit status 1 where anything is wrong."""
    findings = list(examine(options["url"]))
    if options["json"]:
        command.stdout.write(as_json(findings))
    else:
        command.stdout.write(as_text(findings, command.style, command.stdout), ending="")
    return DONE if is_healthy(findings) else DID_NOT_HOLD


def examine(url: str | None = None) -> Iterator[Finding]:
    """Look at everything.

    Args:
        url: of the running site, where it is to be asked too.
    """
    found = list(_examined("settings", settings.examine))
    yield from found
    if not settings.can_be_used():
        yield Finding("settings", "note", "The rest is looked at once the settings are right.")
        return
    state = broker.State()
    yield from _examined("broker", lambda: broker.examine(state))
    yield from _examined("limits", lambda: limits.examine(state))
    yield from _examined("project", project.examine)
    yield from _examined("databases", lambda: databases.examine(state.threads))
    yield from _examined("proxies", lambda: proxies.examine(asked=url is not None))
    if url is not None:
        yield from _examined("site", lambda: site.examine(url))


def _examined(area: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as error:  # of the project's code, a driver, the system
        what = printable(f"{type(error).__name__}: {error}".partition("\n")[0])
        todo = "Correct this first: what else there is could not be seen."
        yield Finding(area, "warning", f"Not all of this could be looked at: {what}", todo)
