"""The drill as a picture: lanes above each other, on one clock."""

from pathlib import Path

from .record import Record

COLOURS = {1: "#4c78a8", 2: "#f2a541", 3: "#54a24b"}  # release -> of its good pages
FAILED, BAND, DEPTH, GRID = "#1a1a1a", "#e9e4f0", "#b22222", "#dddddd"
HEADROOM = 1.45  # over the highest bar, for the names of the acts
HEIGHTS = (0.98, 0.87)  # of the names, in turn: acts may be close together
LANES = (  # title of each, and its share of the height
    ("Behind the queue: answers per second", 3),
    ("Behind the queue: requests waiting", 1.6),
    ("Plain gunicorn, same users, same releases: answers per second", 3),
)


def draw(queued: Record, plain: Record | None, path: Path) -> None:
    """Write a PNG: answers by release, waiting requests, and what plain gunicorn made of it.

    Args:
        queued: behind the queue.
        plain: without; None where that was not tried.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lanes = LANES if plain is not None else LANES[:2]
    shares = [share for _, share in lanes]
    figure, axes = pyplot.subplots(
        len(lanes),
        sharex=True,
        figsize=(10, 0.8 + 0.75 * sum(shares)),
        height_ratios=shares,
        layout="constrained",
    )
    _draw_answers(axes[0], queued)
    _draw_waiting(axes[1], queued)
    if plain is not None:
        _draw_answers(axes[2], plain)
    for lane, (title, _), record in zip(axes, lanes, (queued, queued, plain), strict=False):
        _furnish(lane, title, record)
    axes[0].legend(
        ncols=4, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2
    )
    axes[0].set_xlim(0, max(len(record.seconds) for record in (queued, plain) if record))
    axes[-1].set_xlabel("seconds")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=120, facecolor="white")
    pyplot.close(figure)


def _furnish(axes, title: str, record: Record) -> None:
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    for window in record.windows:
        axes.axvspan(window.began, window.ended, color=BAND, linewidth=0, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_answers(axes, record: Record) -> None:
    starts = [second.at - 1 for second in record.seconds]
    tops = [0] * len(starts)
    for release, colour in COLOURS.items():
        counts = [second.answers.get(release, 0) for second in record.seconds]
        axes.bar(starts, counts, 1, tops, align="edge", color=colour, label=f"release {release}")
        tops = [top + count for top, count in zip(tops, counts, strict=True)]
    failed = [second.errors + second.failed for second in record.seconds]
    axes.bar(starts, failed, 1, tops, align="edge", color=FAILED, label="failed")
    axes.set_ylim(0, HEADROOM * max(map(sum, zip(tops, failed, strict=True)), default=1))
    _name_acts(axes, record)


def _draw_waiting(axes, record: Record) -> None:
    times = [0, *(second.at for second in record.seconds)]
    depths = [0, *(second.waiting for second in record.seconds)]
    axes.plot(times, depths, color=DEPTH, linewidth=1.8)
    axes.set_ylim(0, 1.1 * max(1, *depths))


def _name_acts(axes, record: Record) -> None:
    for number, window in enumerate(record.windows, 1):
        axes.annotate(
            f"{number}. {window.title}",
            ((window.began + window.ended) / 2, HEIGHTS[number % 2]),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
            fontsize=9,
        )
