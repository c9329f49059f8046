"""The moves that docs/states.md allows, read from its tables: the page itself is tested."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "states.md"
NEW = "new"
WAITING = ("queued", "returned", "put off", "parked", "in line")
CLAIMABLE = ("queued", "returned", "put off", "parked")
RUNNING = ("leased", "streaming")
IN_FLIGHT = (*RUNNING, "unwanted")
ENDS = ("answered", "refused", "buried", "withdrawn", "dropped")
STATES = (*WAITING, *IN_FLIGHT, *ENDS)
SHORT_FOR = {"waiting": WAITING, "claimable": CLAIMABLE, "running": RUNNING}


class Move(NamedTuple):
    """One move of one request by one call of a script."""

    source: str
    target: str
    script: str


def rows_below(heading: str) -> list[list[str]]:
    """Cells of the table below a heading of the page, without its head."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines[2:]]


@cache
def moves() -> frozenset[Move]:
    """Every move that a row allows."""
    return frozenset(_moves())


def _moves() -> Iterator[Move]:
    for source_cell, target, script_cell, _ in rows_below("Who moves it, and where to"):
        for word in source_cell.split(", "):
            for source in SHORT_FOR.get(word, (word,)):
                for script in script_cell.split(", "):
                    if source != target:
                        yield Move(source, target, script)


@cache
def ways(source: str, target: str, script: str) -> tuple[Move, ...]:
    """The shortest way from one state to another by moves of one script; empty where none is."""
    ahead: list[tuple[Move, ...]] = [()]
    seen = {source} if source != target else set()
    while ahead:
        way = ahead.pop(0)
        at = way[-1].target if way else source
        for move in sorted(moves()):
            if (move.source, move.script) != (at, script) or move.target in seen:
                continue
            if move.target == target:
                return (*way, move)
            seen.add(move.target)
            ahead.append((*way, move))
    return ()
