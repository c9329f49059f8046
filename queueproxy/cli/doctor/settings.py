"""Looks at the settings: the app's own system checks, those of ``check --deploy`` too."""

from collections.abc import Iterable, Iterator

from django.core import checks

from ... import conf
from ...checks import TAG
from ...front_problems import problems_of_front
from ...setting_problems import Problem
from .finding import Finding, Level

ELSEWHERE = ("E009", "E010", "W003", "W004", "W005")  # of the server: see `broker`
ALIASES: dict[int, Level] = {
    checks.ERROR: "error",
    checks.CRITICAL: "error",
    checks.WARNING: "warning",
}


def can_be_used() -> bool:
    """Whether fronts and workers could start with them."""
    return not any(_stopping(conf.problems())) and not any(_stopping(problems_of_front()))


def _stopping(problems: Iterable[Problem]) -> Iterator[Problem]:
    return (problem for problem in problems if not problem.is_warning)


def examine() -> Iterator[Finding]:
    """Run the checks."""
    found = checks.run_checks(tags=[TAG], include_deployment_checks=True)
    yield from map(_finding, filter(_is_of_settings, found))
    if not any(_stopping(conf.problems())):
        for problem in problems_of_front():
            yield Finding("settings", "error", problem.message, problem.hint, problem.code)
    policies = list(map(_finding, filter(_is_ours, _of_urls())))
    yield from policies
    if can_be_used() and not policies and not any(map(_is_of_settings, found)):
        queues = ", ".join(conf.get_settings().queues)
        yield Finding("settings", "ok", f"The queues are {queues}; no system check objects.")


def _of_urls() -> list[checks.CheckMessage]:
    try:
        return checks.run_checks(tags=[checks.Tags.urls])
    except Exception as error:  # of the project's views, which this imports
        return [
            checks.Error(
                f"The URLconf can't be loaded: {type(error).__name__}: {error}",
                "No worker can start: see manage.py check.",
                id=f"{TAG}.urls",
            )
        ]


def _is_ours(message: checks.CheckMessage) -> bool:
    return str(message.id).startswith(f"{TAG}.")


def _is_of_settings(message: checks.CheckMessage) -> bool:
    return str(message.id).removeprefix(f"{TAG}.") not in ELSEWHERE


def _finding(message: checks.CheckMessage) -> Finding:
    level = ALIASES.get(message.level, "note")
    code = str(message.id or "").removeprefix(f"{TAG}.").replace("urls", "")
    return Finding("settings", level, str(message.msg), str(message.hint or ""), code)
