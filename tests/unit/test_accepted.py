"""In which form a client is told what became of its request, by its Accept."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from queueproxy.front.http.accepted import LONGEST, Form, form_for

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7"
)
IMAGE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
TURBO = "text/vnd.turbo-stream.html, text/html, application/xhtml+xml"
AXIOS = "application/json, text/plain, */*"
JQUERY = "application/json, text/javascript, */*; q=0.01"
HTML, PROBLEM, TEXT = Form.HTML, Form.PROBLEM, Form.TEXT


def form(*accept: str) -> Form:
    return form_for([(b"accept", one.encode("latin-1")) for one in accept])


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (FIREFOX, HTML),
        (CHROMIUM, HTML),
        (TURBO, HTML),
        (IMAGE, TEXT),
        (AXIOS, PROBLEM),
        (JQUERY, PROBLEM),
        ("*/*", TEXT),  # curl, fetch(), httpx
        ("", TEXT),
        ("application/json", PROBLEM),
        ("application/problem+json", PROBLEM),
        ("application/vnd.api+json", PROBLEM),
        ("application/json; version=1.0", PROBLEM),
        ("application/xml", TEXT),
        ("application/*", PROBLEM),
        ("text/*", TEXT),
        ("text/plain", TEXT),
        ("text/event-stream", TEXT),
        ("text/html, application/json", PROBLEM),
        ("text/html, text/plain", HTML),
        ("text/html;q=0.5, application/json;q=0.4", HTML),
        ("text/html;q=0.4, application/json;q=0.5", PROBLEM),
        ("text/html;q=0.4, */*;q=0.5", TEXT),
        ("TEXT/HTML", HTML),
        ("text/html ; Q=0.9 , */* ; q=0.1", HTML),
        ("text/html;q=0, */*", TEXT),
        ("text/plain;q=0, */*", HTML),
        ("text/plain;q=0, text/html;q=0, */*", PROBLEM),
        ("*/*;q=0", TEXT),  # there must be some
        ("image/png", TEXT),
        ("text/*;q=0.9, text/html;q=0.1", TEXT),
        ("application/*, application/problem+json;q=0, text/html;q=0.1", HTML),
        ("application/json, application/problem+json;q=0, text/html;q=0.1", HTML),
        ("text/html;level=1;q=0.3, text/html;q=0.7, text/plain;q=0.5", HTML),
        ("text/html;q=1.5, text/plain;q=0.1", TEXT),  # no weight that there is
        ("text/html;q=0.1234", TEXT),
        ('text/html;x="a,text/plain;q=1";q=0.5, application/json;q=0.4', HTML),
    ],
)
def test_what_a_client_gets(accept, wanted):
    assert form(accept) is wanted


def test_without_the_header():
    assert form_for([(b"host", b"a")]) is TEXT


def test_two_lines_of_it_are_one_list():
    assert form("text/html;q=0.5", "application/json;q=0.6") is PROBLEM


NAMES = ["text/html", "text/plain", "application/problem+json", "application/json"]
RANGES = [*NAMES, "text/*", "application/*", "*/*", "image/png"]
WEIGHTS = [None, "0", "0.1", "0.25", "0.5", "1", "1.000"]
ACCEPTS = st.dictionaries(st.sampled_from(RANGES), st.sampled_from(WEIGHTS), max_size=8)


def written(ranges: dict[str, str | None]) -> str:
    return ", ".join(
        name if weight is None else f"{name};q={weight}" for name, weight in ranges.items()
    )


def weight(form: Form, ranges: dict[str, str | None]) -> float:
    """By the words of RFC 9110: the most specific range that fits."""
    others = ["application/json"] if form is PROBLEM else []
    for name in [form.value, *others, form.value.split("/")[0] + "/*", "*/*"]:
        if name in ranges:
            return float(ranges[name] or 1)
    return 0


@given(ACCEPTS)
def test_nobody_gets_what_he_likes_less(ranges):
    found = form(written(ranges))
    best = max(weight(one, ranges) for one in Form)
    assert weight(found, ranges) == best
    if best == 0:
        assert found is TEXT


@given(ACCEPTS, st.randoms())
def test_the_order_tells_nothing(ranges, random):
    shuffled = list(ranges.items())
    random.shuffle(shuffled)
    assert form(written(dict(shuffled))) is form(written(ranges))


@given(st.text(alphabet='texhml/*;,q=01."\\ +jsn') | st.text(st.characters(max_codepoint=255)))
@example('"')
@example(";")
@example("/")
@example('text/html;"\\')
def test_whatever_is_sent_has_an_answer(accept):
    assert form(accept) in Form


@pytest.mark.parametrize("piece", ['"\\', '\\"', '"', '",', "text/html,", ";", 'a;"'])
def test_no_header_costs_much(piece):
    began = time.thread_time()  # in which other processes do not count
    form("a/b;c=" + piece * (64 * 1024 // len(piece)))
    assert time.thread_time() - began < 0.1


def test_a_browsers_header_is_read_whole():
    assert len(CHROMIUM) * 4 < LONGEST
