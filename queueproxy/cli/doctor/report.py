"""Words what was found, for people and for programs."""

import json
import shutil
import textwrap
from collections.abc import Sequence

from django.core.management.base import OutputWrapper
from django.core.management.color import Style

from ...wording import count_text, printable
from .finding import Finding, is_healthy

STYLES = {"error": "ERROR", "warning": "WARNING", "note": "HTTP_INFO", "ok": "SUCCESS"}
LABEL = max(map(len, STYLES)) + 4  # columns
WIDEST = 110  # columns


def as_json(findings: Sequence[Finding]) -> str:
    """Write ``{"healthy": …, "findings": [{"area", "level", "text", "todo", "code"}]}``."""
    whole = {"healthy": is_healthy(findings), "findings": [one._asdict() for one in findings]}
    return json.dumps(whole, indent=2)


def as_text(findings: Sequence[Finding], style: Style, out: OutputWrapper) -> str:
    """Write them by area, with what to do under what is wrong.

    Args:
        style: Django's, of the command: without colours where there is no terminal.
        out: where the text goes: in a terminal it is wrapped.
    """
    width = min(shutil.get_terminal_size().columns, WIDEST) if out.isatty() else 0
    lines: list[str] = []
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            lines.append(style.MIGRATE_HEADING(area))
        lines += _lines_of(finding, style, width)
    return "\n".join([*lines, _summary(findings, style)]) + "\n"


def _lines_of(finding: Finding, style: Style, width: int) -> list[str]:
    code = f" ({finding.code})" if finding.code else ""
    label = f"  {finding.level}"
    first, *rest = _wrapped(f"{finding.text}{code}", width)
    painted = getattr(style, STYLES[finding.level])(label)
    lines = [f"{painted}{' ' * (LABEL - len(label))}{first}"]
    lines += [" " * LABEL + line for line in rest]
    if finding.todo:
        first, *rest = _wrapped(finding.todo, width - 2)
        lines += [f"{' ' * LABEL}→ {first}", *(f"{' ' * LABEL}  {line}" for line in rest)]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    text = printable(text)
    if width < LABEL + 20:
        return [text]
    return textwrap.wrap(text, width - LABEL, break_long_words=False) or [""]


def _summary(findings: Sequence[Finding], style: Style) -> str:
    levels = [finding.level for finding in findings]
    errors, warnings = levels.count("error"), levels.count("warning")
    if not errors and not warnings:
        return style.SUCCESS("Nothing is wrong.")
    told = f"{count_text(errors, 'error')}, {count_text(warnings, 'warning')}."
    return style.ERROR(told) if errors else style.WARNING(told)
