"""Results on disk: one JSON file each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from .measure import Run
from .wrk import Seen

ROUNDS = "rounds"


def save(directory: Path, name: str, about: dict, result: object) -> None:
    """Write one result with what it was measured on."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"about": about, "result": result}, indent=1)
    (directory / f"{name}.json").write_text(text + "\n")


def load(directory: Path) -> dict[str, dict]:
    """Every result there is, by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))}


def runs_as_json(runs: Sequence[Run]) -> list[dict]:
    """For `save`."""
    return [asdict(run) for run in runs]


def runs_from_json(raw: Sequence[Mapping]) -> list[Run]:
    """What `runs_as_json` made."""
    return [Run(**{**run, "seen": Seen(**run["seen"])}) for run in raw]
