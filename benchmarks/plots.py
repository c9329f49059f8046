"""Plots of the results, as PNG beside the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from .loads import LOADS
from .results import ROUNDS, runs_from_json
from .summary import MIB, ROLES, Row, summarize

DPI = 110
DIRECT, QUEUED = "#8a8f98", "#2563a8"
ROLE_COLOURS = {"server": DIRECT, "front": "#2563a8", "worker": "#e08e2b", "broker": "#3a9a63"}


def draw(directory: Path, saved: Mapping[str, dict]) -> list[str]:
    """Every plot that there are results for; the names of their files."""
    drawn = []
    if ROUNDS in saved:
        rows = summarize(runs_from_json(saved[ROUNDS]["result"]))
        drawn += [_save(directory, "throughput", _by_load(rows, _throughput))]
        drawn += [_save(directory, "cpu", _by_load(rows, _cpu))]
    for name, one in saved.items():
        if maker := SCENARIO_PLOTS.get(name.partition("-")[0]):
            drawn.append(_save(directory, name, maker(one["result"])))
    return drawn


def _save(directory: Path, name: str, figure) -> str:
    file = f"{name}.png"
    figure.savefig(directory / file, dpi=DPI, bbox_inches="tight")
    pyplot.close(figure)
    return file


def _by_load(rows: Sequence[Row], fill):
    """One panel a load, candidates from top to bottom as they were measured."""
    loads = [load for load in LOADS if any(row.load == load.name for row in rows)]
    most = max(sum(row.load == load.name for row in rows) for load in loads)
    across = min(2, len(loads))
    down = -(-len(loads) // across)
    figure, axes = pyplot.subplots(
        down, across, figsize=(7 * across, down * (1 + 0.24 * most)), squeeze=False
    )
    for axis in axes.flat[len(loads) :]:
        axis.remove()
    for axis, load in zip(axes.flat, loads, strict=False):
        of_load = [row for row in rows if row.load == load.name][::-1]
        fill(axis, of_load)
        axis.set_yticks(range(len(of_load)), [row.candidate for row in of_load], fontsize=8)
        axis.set_title(load.title, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.tight_layout()
    if handles:
        figure.legend(handles, labels, ncols=len(handles), loc="lower center", frameon=False)
        figure.subplots_adjust(bottom=0.7 / figure.get_figheight())
    return figure


def _throughput(axis, rows: Sequence[Row]) -> None:
    colours = [QUEUED if row.candidate.startswith("queued") else DIRECT for row in rows]
    drawn = axis.barh(range(len(rows)), [row.per_second for row in rows], color=colours)
    axis.bar_label(drawn, [f"{row.per_second:,.0f}" for row in rows], padding=3, fontsize=8)
    axis.margins(x=0.12)
    axis.set_xlabel("requests a second (queued in blue)", fontsize=8)


def _cpu(axis, rows: Sequence[Row]) -> None:
    start = [0.0] * len(rows)
    for role in ROLES:
        used = [row.cpu.get(role, 0.0) for row in rows]
        axis.barh(range(len(rows)), used, left=start, color=ROLE_COLOURS[role], label=role)
        start = [before + more for before, more in zip(start, used, strict=True)]
    axis.set_xlabel("CPU seconds per 1,000 requests", fontsize=8)


def _threads(result: dict):
    figure, axis = pyplot.subplots(figsize=(6, 4))
    numbers = [row["threads"] for row in result["rows"]]
    ideal = [1000 / result["wait_ms"] * number for number in numbers]
    axis.plot(numbers, ideal, color=DIRECT, linestyle="--", label="what they could give")
    measured = [row["per_second"] for row in result["rows"]]
    axis.plot(numbers, measured, color=QUEUED, marker="o", label="measured")
    axis.set_xscale("log", base=2)
    axis.set_yscale("log", base=2)
    axis.set_xticks(numbers, [str(number) for number in numbers])
    axis.set_yticks(ideal, [f"{value:,.0f}" for value in ideal])
    axis.set_xlabel("threads of one worker process")
    axis.set_ylabel("requests a second")
    axis.set_title(f"A view that waits {result['wait_ms']} ms", fontsize=10)
    axis.legend(frameon=False)
    return figure


def _hold(result: dict):
    figure, axis = pyplot.subplots(figsize=(6, 4))
    times = result["answer_times"]
    share = result["statuses"].get("200", 0) / max(len(times), 1)
    axis.plot(times, [share * (i + 1) for i in range(len(times))], color=QUEUED)
    axis.axvline(result["worker_listed_seconds"], color=DIRECT, linestyle="--")
    axis.annotate(
        " worker is there",
        (result["worker_listed_seconds"], 0),
        rotation=90,
        fontsize=8,
        ha="right",
        va="bottom",
    )
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("seconds since the worker's command")
    axis.set_ylabel("clients answered")
    axis.set_title(f"{result['clients']:,} clients held", fontsize=10)
    return figure


def _soak(result: dict):
    figure, axis = pyplot.subplots(figsize=(7, 4))
    for name, samples in result["samples"].items():
        axis.plot([t / 60 for t, _ in samples], [b / MIB for _, b in samples], label=name)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("minutes")
    axis.set_ylabel("memory (PSS), MiB")
    axis.set_title("Memory of each process under every load in turn", fontsize=10)
    axis.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _broker(result: dict):
    figure, axis = pyplot.subplots(figsize=(6, 4))
    numbers = [row["workers"] for row in result["rows"]]
    axis.plot(numbers, [row["per_second"] for row in result["rows"]], color=QUEUED, marker="o")
    axis.axhline(result["ceiling_per_second"], color=DIRECT, linestyle="--")
    axis.annotate(
        "a core of its own, by its CPU per request",
        (numbers[-1], result["ceiling_per_second"]),
        ha="right",
        va="top",
        fontsize=8,
    )
    axis.set_xscale("log", base=2)
    axis.set_xticks(numbers, [str(number) for number in numbers])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("workers that only claim and answer")
    axis.set_ylabel("requests a second")
    axis.set_title("One broker", fontsize=10)
    return figure


SCENARIO_PLOTS = {"threads": _threads, "hold": _hold, "soak": _soak, "broker": _broker}
