"""Reads the groups, requests of which only so many run at once, and who stands in their lines."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ...keys import Keys
from ...records import Group
from ..link.protocol import Command
from .values import ValueReader

SHOWN = 100  # groups, busiest first; there is one for each view that has a limit and is asked for


class GroupStats(NamedTuple):
    """How many of a group run and wait; `at_most` may run at once, over all workers.

    `size` is what those that wait count for in the broker, in bytes.
    """

    name: str
    at_most: int
    running: int
    waiting: int
    size: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return what ``status --json`` shows of it."""
        told = self._asdict()
        told["waiting_bytes"] = told.pop("size")
        return told

    @property
    def text(self) -> str:
        """Say it to people: ``4 of 4, 12 wait``."""
        runs = f"{self.running} of {self.at_most}"
        return f"{runs}, {self.waiting} wait" if self.waiting else runs


def read_groups(values: ValueReader, flat: Sequence[bytes]) -> list[GroupStats]:
    """Parse the answer to HGETALL of ``groups``, those first of which most wait.

    What can't be read is left out; so is what is more than SHOWN.
    """
    found = []
    for name, text in zip(flat[::2], flat[1::2], strict=True):
        group = values.record(Group, text)
        if group is not None:
            found.append(GroupStats(name.decode("utf-8", "replace"), *group))
    busiest = sorted(found, key=lambda one: (-one.waiting, -one.running, one.name))
    return busiest[:SHOWN]


def longest_in_lines(
    keys: Keys, groups: Iterable[GroupStats], queue: str, most: int
) -> list[Command]:
    """List commands that read those of a queue who stand longest in each line; see `entries_of`."""
    bounds = (f"[{queue} ", f"({queue}!")  # "!" follows the space between queue and entry
    return [
        ("ZRANGE", keys.named("line", group.name), *bounds, "BYLEX", "LIMIT", 0, most)
        for group in groups
        if group.waiting
    ]


def entries_of(members: Iterable[bytes]) -> list[bytes]:
    """Return the entries that members of a line stand for, padded as in ``returned``."""
    return [member.rpartition(b" ")[2] for member in members]
