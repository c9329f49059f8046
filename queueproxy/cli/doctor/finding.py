"""What the doctor finds: one line each, and what to do about it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Level = Literal["error", "warning", "note", "ok"]
WRONG: tuple[Level, ...] = ("error", "warning")


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        area: what it belongs to: settings, broker, ...
        level: error: requests fail, are lost or are answered wrongly. warning: they will, under
            load or after a fault. note: worth knowing. ok: as it should be.
        text: what is.
        todo: what to do about it.
        code: of the system check that says the same, where there is one.
    """

    area: str
    level: Level
    text: str
    todo: str = ""
    code: str = ""


def is_healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing among them is wrong."""
    return not any(finding.level in WRONG for finding in findings)
