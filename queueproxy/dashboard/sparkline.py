"""Draws a small line chart as the points of an SVG path: useful without JavaScript."""

from collections.abc import Sequence

WIDTH, HEIGHT = 120, 28  # user units


def points(values: Sequence[float | None]) -> str:
    """Spell the ``points`` of an SVG polyline, highest value at the top; empty for fewer than two.

    Args:
        values: None where nothing is known: the line goes straight on to the next.
    """
    known = [(i, value) for i, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    top = max(1, *(value for _, value in known))
    step = WIDTH / (len(values) - 1)
    return " ".join(f"{i * step:.1f},{HEIGHT - 1 - v / top * (HEIGHT - 2):.1f}" for i, v in known)
