"""Draws a small line chart as the points of an SVG path: useful without JavaScript."""

from collections.abc import Sequence

WIDTH, HEIGHT = 120, 28  # user units


def points(values: Sequence[float | None], at: Sequence[float] = ()) -> str:
    """Spell the ``points`` of an SVG polyline, highest value at the top; empty for fewer than two.

    Args:
        values: None where nothing is known: the line goes straight on to the next.
        at: where each stands, from 0 for the left edge to 1; unless told they fill the width.
    """
    places = at or [i / max(1, len(values) - 1) for i in range(len(values))]
    pairs = zip(places, values, strict=True)
    known = [(max(0.0, place), value) for place, value in pairs if value is not None]
    if len(known) < 2:
        return ""
    top = max(1, *(value for _, value in known))
    return " ".join(
        f"{place * WIDTH:.1f},{HEIGHT - 1 - value / top * (HEIGHT - 2):.1f}"
        for place, value in known
    )


def area(line: str) -> str:
    """Spell the ``points`` of the polygon under a line; empty where there is none."""
    if not line:
        return ""
    first, last = line.split()[0], line.split()[-1]
    return f"{first.partition(',')[0]},{HEIGHT} {line} {last.partition(',')[0]},{HEIGHT}"
