"""A small line chart as an SVG path: useful without JavaScript."""

from collections.abc import Sequence

WIDTH, HEIGHT = 120, 28  # user units


def points(values: Sequence[float]) -> str:
    """The ``points`` of an SVG polyline, highest value at the top; empty for fewer than two."""
    if len(values) < 2:
        return ""
    top = max(*values, 1)
    step = WIDTH / (len(values) - 1)
    return " ".join(
        f"{i * step:.1f},{HEIGHT - 1 - value / top * (HEIGHT - 2):.1f}"
        for i, value in enumerate(values)
    )
