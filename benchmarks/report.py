"""One page with tables and plots of all results that there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from .bars import bars, bars_table
from .results import ROUNDS, load, runs_from_json
from .scenario_tables import SECTIONS
from .summary import load_tables, summarize

PAGE = "README.md"
NOTES_FILE = "notes.md"  # written by hand


def write_page(directory: Path) -> None:
    """Tables and plots anew from the JSON files in the directory."""
    from . import plots  # only here is matplotlib needed

    saved = load(directory)
    images = plots.draw(directory, saved)
    notes = (directory / NOTES_FILE).exists()
    (directory / PAGE).write_text(page(saved, images, notes=notes))


def page(saved: Mapping[str, dict], images: Sequence[str] = (), *, notes: bool = False) -> str:
    """The page: bars, then every result, then what it was measured on.

    Args:
        saved: what `load` gives.
        images: files beside the page.
        notes: whether NOTES_FILE is there.
    """
    rows = summarize(runs_from_json(saved[ROUNDS]["result"])) if ROUNDS in saved else []
    scenarios = {name: one["result"] for name, one in saved.items() if name != ROUNDS}
    parts = [INTRODUCTION, f"## Bars\n\n{bars_table(bars(rows, scenarios))}"]
    if notes:
        parts.append(NOTES)
    if rows:
        parts.append(f"## Every candidate\n\n{READING}\n{load_tables(rows)}")
    for name, result in scenarios.items():
        if section := SECTIONS.get(name.partition("-")[0]):
            parts.append(section(result))
    parts.append("\n".join(f"![{Path(image).stem}]({image})\n" for image in images))
    parts.append(_measured_on(saved))
    return "\n".join(part for part in parts if part)


INTRODUCTION = """\
# Benchmarks

The same views under the same settings (`benchmarks/site/`: `DEBUG` off, logging quiet, signing on),
served directly and through the queue, on one machine with the load generator. `make bench` measures
all of it again and writes this page; `python -m benchmarks --help` lists the single parts.
"""

NOTES = f"What was tried where a bar is missed, and what limits it: [{NOTES_FILE}]({NOTES_FILE}).\n"

READING = """\
Load by `wrk` from one thread, connections kept open wherever the server keeps them (gunicorn's sync
worker closes each). Every run is a fresh start with a warm-up; candidates of one load follow one
another, round after round; medians of the rounds, errors of all. CPU is user and system seconds of
all processes per 1,000 requests, memory their proportional set size (PSS) under load, commands what
clients send to the broker (not what scripts call inside it). `2x4` is two worker processes with
four threads each. Direct ASGI candidates open a database connection per request, as Django's
documentation advises under ASGI; all others keep theirs.
"""


def _measured_on(saved: Mapping[str, dict]) -> str:
    """Each machine with its versions once, and below it what was measured there, and when."""
    results: dict[str, list[str]] = {}
    for name, one in saved.items():
        about = one["about"]
        results.setdefault(_machine(about), []).append(
            f"- `{name}`: commit {about['commit']}, {about['time']}, load average before "
            f"{about['load_before']}\n"
        )
    parts = [f"{machine}\n\n{''.join(lines)}" for machine, lines in results.items()]
    return "## Measured on\n\n" + "\n".join(parts)


def _machine(about: Mapping) -> str:
    packages = ", ".join(f"{package} {version}" for package, version in about["packages"].items())
    return (
        f"{about['cores']} cores ({about['cpu']}), {about['memory_gib']} GiB, Linux "
        f"{about['kernel']}, Python {about['python']}; {packages}."
    )
