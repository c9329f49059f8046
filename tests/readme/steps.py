"""Reads the README's five steps: what is typed, and which lines change in which file."""

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parents[2] / "README.md"
HEADING = "## Five steps to your project"
_STEP = re.compile(r"^(\d)\. (.*?)(?=^\d\. |\Z)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^   ```(\w+)\n(.*?)^   ```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"\*\*`([\w./]+)`\*\*")


class Block(NamedTuple):
    """A block of code in a step.

    Args:
        kind: sh or diff.
        text: without the indentation of the list.
    """

    kind: str
    text: str


class Step(NamedTuple):
    """One of the five.

    Args:
        file: that its blocks change; empty for none.
    """

    file: str
    blocks: list[Block]


def read_steps() -> list[Step]:
    """Read them all, in order."""
    section = README.read_text().partition(f"{HEADING}\n")[2].partition("\n## ")[0]
    listed = section[section.index("\n1. ") + 1 :]
    steps = []
    for number, text in _STEP.findall(listed):
        assert int(number) == len(steps) + 1
        blocks = [
            Block(kind, "".join(line[3:] or "\n" for line in body.splitlines(keepends=True)))
            for kind, body in _BLOCK.findall(text)
        ]
        named = _FILE.match(text)
        steps.append(Step(named[1] if named else "", blocks))
    return steps


def apply(diff: str, text: str) -> str:
    """Change a file as a person does by such a diff; quotes and blank lines count for nothing.

    Raises:
        AssertionError: a line that the diff shows as there already is not there, in that order.
    """
    lines, at, made = text.splitlines(), 0, []
    for line in diff.splitlines():
        mark, wanted = line[:1], line[1:]
        if mark == "+":
            made.append(wanted)
            continue
        while at < len(lines) and not _same(lines[at], wanted):
            made.append(lines[at])
            at += 1
        assert at < len(lines), f"not found: {wanted!r}"
        if mark == " ":
            made.append(lines[at])
        at += 1
    return "\n".join([*made, *lines[at:]]) + "\n"


def _same(one: str, other: str) -> bool:
    return one.replace("'", '"').strip() == other.strip()
