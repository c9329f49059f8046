"""The drill as a picture."""

from pathlib import Path

from .record import Record
from .verdict import Verdict

COLOURS = {1: "#4c78a8", 2: "#f2a541", 3: "#54a24b"}  # release -> of its answers
BAND, DEPTH, GRID = "#e9e4f0", "#b22222", "#dddddd"
HEADROOM = 1.3  # over the highest bar, for the names of the windows


def draw(record: Record, verdict: Verdict, path: Path) -> None:
    """Write a PNG: answers by release above, waiting requests below, maintenance as bands.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(
        2, sharex=True, figsize=(9, 4.6), height_ratios=(3, 2), layout="constrained"
    )
    _draw_answers(above, record)
    _draw_waiting(below, record)
    for axes in (above, below):
        for window in record.windows:
            axes.axvspan(window.began, window.ended, color=BAND, linewidth=0, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
    _name_windows(above, record)
    figure.suptitle(
        f"Two upgrades, each with a slow migration: {verdict.requests:,} requests, "
        f"{verdict.errors} errors, longest wait {verdict.longest_wait:.0f} s",
        fontsize=12,
    )
    figure.savefig(path, dpi=120, facecolor="white")
    pyplot.close(figure)


def _draw_answers(axes, record: Record) -> None:
    starts = [second.at - 1 for second in record.seconds]
    tops = [0] * len(starts)
    for release, colour in COLOURS.items():
        counts = [second.answers.get(release, 0) for second in record.seconds]
        axes.bar(starts, counts, 1, tops, align="edge", color=colour, label=f"release {release}")
        tops = [top + count for top, count in zip(tops, counts, strict=True)]
    errors = [second.errors for second in record.seconds]
    if any(errors):
        axes.bar(starts, errors, 1, tops, align="edge", color="black", label="errors")
    axes.set_ylim(0, HEADROOM * max(map(sum, zip(tops, errors, strict=True)), default=1))
    axes.set_xlim(0, len(starts))
    axes.set_ylabel("answers per second")
    axes.legend(ncols=4, frameon=False, loc="lower right", bbox_to_anchor=(1, 1))


def _draw_waiting(axes, record: Record) -> None:
    times = [0, *(second.at for second in record.seconds)]
    depths = [0, *(second.waiting for second in record.seconds)]
    axes.plot(times, depths, color=DEPTH, linewidth=1.8)
    axes.set_ylim(0, 1.1 * max(1, *depths))
    axes.set_ylabel("requests waiting")
    axes.set_xlabel("time (s)")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _name_windows(axes, record: Record) -> None:
    for window in record.windows:
        axes.annotate(
            f"{window.title}, {window.ended - window.began:.0f} s",
            ((window.began + window.ended) / 2, 0.96),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
        )
