"""Small pieces: figures as people read them, the sparkline, and the vendored files."""

import hashlib
from pathlib import Path

import pytest

import queueproxy
from queueproxy.dashboard.sparkline import HEIGHT, WIDTH, area, points
from queueproxy.dashboard.wording import duration, megabytes
from queueproxy.wording import share_text

VENDOR = Path(queueproxy.__file__).parent / "static" / "queueproxy" / "vendor"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\N{EN DASH}"),
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (100, "2 min"),
        (5_999, "100 min"),
        (7_200, "2 h"),
        (864_000, "10 d"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0001, "<0.1%"), (0.0123, "1.2%"), (0.36, "36%"), (1, "100%")],
)
def test_shares(share, text):
    assert share_text(share) == text


def test_sizes():
    assert megabytes(90 << 20) == "90 MiB"
    assert megabytes(0) == "\N{EN DASH}"


def test_a_sparkline_goes_from_edge_to_edge():
    coordinates = [tuple(map(float, point.split(","))) for point in points([0, 5, 10]).split()]
    assert coordinates == [(0, HEIGHT - 1), (WIDTH / 2, HEIGHT / 2), (WIDTH, 1)]


def test_a_sparkline_of_nothing():
    assert points([]) == points([3]) == points([None, 3, None]) == ""
    flat = {point.split(",")[1] for point in points([0, 0, 0]).split()}
    assert flat == {f"{HEIGHT - 1:.1f}"}


def test_a_sparkline_across_what_is_unknown():
    assert len(points([1, None, 3]).split()) == 2


def test_a_sparkline_of_times_leaves_out_what_was_before():
    line = points([4, 8], at=[0.75, 1.0])
    assert [point.split(",")[0] for point in line.split()] == ["90.0", "120.0"]
    assert area(line) == f"90.0,{HEIGHT} {line} 120.0,{HEIGHT}"
    assert points([4, 8], at=[-0.01, 1.0]).startswith("0.0,")
    assert area("") == ""


def test_vendored_files_are_what_they_were():
    listed = [line.split() for line in (VENDOR / "CHECKSUMS").read_text().splitlines()]
    for checksum, name in listed:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == checksum
    there = {path.name for path in VENDOR.iterdir()} - {"CHECKSUMS", "uPlot.LICENSE"}
    assert {name for _, name in listed} == there
