"""Colours of lines and words: seen on their ground, and told apart by people who see few colours.

What such people see is simulated by the matrices of Machado, Oliveira and Fernandes (2009) for a
whole lack of one kind of cone, on linear RGB; distances are CIE76 in CIELAB.
"""

import itertools
import re
from pathlib import Path

import pytest

import queueproxy

DESIGN = Path(queueproxy.__file__).parent / "static" / "queueproxy" / "design.css"
GROUND = {"light": "#ffffff", "dark": "#121212"}  # of the admin of Django
TOGETHER = (  # in one chart
    ("depth", "in_flight"),
    ("arrivals", "completions"),
    ("oldest", "p50", "p95", "p99"),
    ("run_p50", "run_p95", "run_p99"),
    ("turned_away", "too_late", "lost", "view_errors"),
)
LINES = sorted({name for names in TOGETHER for name in names} | {"rate", "errors", "deploy"})
LINE_CONTRAST = 3.0  # WCAG 2.2, 1.4.11
WORD_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
DISTANCE = 20.0  # 2.3 is just noticeable side by side
SEES = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def blocks() -> list[str]:
    """The declarations: light, dark by the page's button, dark by the system."""
    return re.findall(r"(?:root|html[^{,]*) \{([^}]*--qp-text[^}]*)\}", DESIGN.read_text())


def colors(theme: str) -> dict[str, str]:
    """Those that are written in full, by name."""
    block = blocks()[0 if theme == "light" else 1]
    return dict(re.findall(r"--qp-([\w-]+): (#[0-9a-f]{6});", block))


def linear(color: str) -> list[float]:
    values = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]


def luminance(rgb: list[float]) -> float:
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(linear(a)), luminance(linear(b))))
    return (high + 0.05) / (low + 0.05)


def seen(color: str, sees: str) -> tuple[float, float, float]:
    """In CIELAB."""
    rgb = linear(color)
    r, g, b = (min(1, max(0, sum(map(float.__mul__, map(float, row), rgb)))) for row in SEES[sees])
    x, y, z = (
        0.4124 * r + 0.3576 * g + 0.1805 * b,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        0.0193 * r + 0.1192 * g + 0.9505 * b,
    )
    fx, fy, fz = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x / 0.9505, y, z / 1.089)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(a: str, b: str, sees: str) -> float:
    pairs = zip(seen(a, sees), seen(b, sees), strict=True)
    return sum((one - other) ** 2 for one, other in pairs) ** 0.5


def test_dark_is_the_same_by_the_button_and_by_the_system():
    _, button, system = ([" ".join(line.split()) for line in b.splitlines()] for b in blocks())
    assert list(filter(None, button)) == list(filter(None, system))
    assert colors("light").keys() == colors("dark").keys()


@pytest.mark.parametrize("theme", GROUND)
@pytest.mark.parametrize("name", LINES)
def test_a_line_is_seen(theme, name):
    assert contrast(colors(theme)[name], GROUND[theme]) >= LINE_CONTRAST


@pytest.mark.parametrize("theme", GROUND)
@pytest.mark.parametrize("name", ["alarm", "flag", "fine"])
def test_words_are_read(theme, name):
    assert contrast(colors(theme)[name], GROUND[theme]) >= WORD_CONTRAST


@pytest.mark.parametrize("sees", SEES)
@pytest.mark.parametrize("theme", GROUND)
@pytest.mark.parametrize("names", TOGETHER, ids="-".join)
def test_lines_of_a_chart_are_told_apart(theme, names, sees):
    known = colors(theme)
    for a, b in itertools.combinations(names, 2):
        assert distance(known[a], known[b], sees) >= DISTANCE, (a, b)


def test_red_and_green_would_be_found_to_be_alike():
    """Else that all differ would say nothing."""
    assert distance("#a0522d", "#4f7a28", "no green") < DISTANCE
    assert distance("#a0522d", "#4f7a28", "all colours") > DISTANCE
