"""Figures in words."""

import pytest

from queueproxy.wording import count_text, escaped, requests_text, seconds_text


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("worker",), "0 workers"),
        (1, ("worker",), "1 worker"),
        (2, ("worker",), "2 workers"),
        (1, ("process", "processes"), "1 process"),
        (2, ("process", "processes"), "2 processes"),
    ],
)
def test_one_is_no_plural(number, words, text):
    assert count_text(number, *words) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0 ms"),
        (-0.4, "0 ms"),
        (0.9996, "1.0 s"),
        (0.0154, "15 ms"),
        (1, "1.0 s"),
        (99.94, "99.9 s"),
        (100, "2 min"),
        (5990, "100 min"),
        (6000, "2 h"),
    ],
)
def test_times_are_short(seconds, text):
    assert seconds_text(seconds) == text


def request(number: int, path: str = "/") -> dict:
    return {"method": "GET", "path": path, "request_id": f"r{number}", "seconds": 2.14}


def test_requests_are_named_a_few_at_most():
    assert requests_text([request(1, "/slow/")]) == "GET /slow/ (r1, 2.1 s)"
    text = requests_text([request(n) for n in range(8)])
    assert text.count("GET") == 5
    assert text.endswith(", 3 more")


def test_requests_of_strangers_are_not_obeyed():
    assert "\x1b" not in requests_text([request(1, "/\x1b[31m")])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/a/%20b?", "/a/%20b?"),
        ("a\r\nWARNING forged", "a\\r\\nWARNING forged"),
        ("\x00\x1b[31m\x7f\x85", "\\x00\\x1b[31m\\x7f\\x85"),
        ("\xe9\u2028\u202e", "\\xe9\\u2028\\u202e"),
        ("back\\slash", "back\\\\slash"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 197 + "..."),
        (None, "None"),
    ],
)
def test_what_strangers_write_stays_on_one_line_of_a_log(text, shown):
    assert escaped(text) == shown


def test_what_is_escaped_is_bounded_too():
    assert len(escaped("\U0001f600" * 10_000)) == 200
    assert escaped("GET" * 100, most=20) == "GETGETGETGETGETGE..."
