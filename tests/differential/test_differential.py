"""Named and generated requests; every server must give the same answer.

Where plain uvicorn (ASGI) and plain gunicorn (WSGI) differ from each other, the queue must do as
one of them does; docs/behaviour.md says which and why.
"""

import os

import django
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import cases
from .conftest import PLAIN, QUEUED
from .wire import comparable, exchange

NAMED = dict(cases.named())
# Differences from both plain servers, each explained in docs/behaviour.md.
LISTED = {
    "headers forwarded": "nobody is a trusted proxy unless TRUSTED_PROXIES says so",
    "body chunked": "a chunked body has the length it turned out to have",
    "body chunked-large": "a chunked body has the length it turned out to have",
}
if django.VERSION < (6, 1):  # which joins them so itself
    LISTED["headers cookies"] = "two Cookie headers are joined by a semicolon"
_PAGE = "the page for an exception shows the frames of what ran the view, so its length differs"
LISTED_IN_DEBUG = LISTED | {
    **{f"head {page}": _PAGE for page in ("/error/400/", "/error/500/", "/error/")},
    "body form-latin": "where Django's own page fails, each server has its bare 500",
}
compared = {"requests": 0, "differ": 0, "listed": 0, "plain servers differ": 0}


@pytest.mark.parametrize("name", NAMED)
def test_named(servers, name, request):
    listed = LISTED_IN_DEBUG if request.node.callspec.params["servers"] == "1" else LISTED
    if name in listed:
        assert _differs(servers, NAMED[name]), "no longer differs: take it off the list"
    else:
        _compare(servers, NAMED[name])


def test_there_are_enough():
    assert len(NAMED) >= 150


def _compare(servers, raw):
    plain = [comparable(exchange(servers[server], raw)) for server in PLAIN]
    compared["plain servers differ"] += plain[0] != plain[1]
    for server in QUEUED:
        answer = comparable(exchange(servers[server], raw))
        compared["requests"] += 1
        if answer not in plain:
            compared["differ"] += 1
            assert answer == plain[0], f"{server} differs from both plain servers"


def _differs(servers, raw):
    plain = [comparable(exchange(servers[server], raw)) for server in PLAIN]
    compared["requests"] += len(QUEUED)
    compared["listed"] += len(QUEUED)
    return all(comparable(exchange(servers[server], raw)) not in plain for server in QUEUED)


PATH = st.text(st.sampled_from("ab/%.;+~é!"), max_size=12).map(
    lambda text: "/seen/" + "".join(c if c.isascii() and c != "%" else "%C3%A9" for c in text)
)
QUERY = st.text(st.sampled_from("ab=&;+%?/"), max_size=14).map(
    lambda text: text.replace("%", "%41")
)
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
NAME = st.text(st.sampled_from("abcXYZ-09"), min_size=1, max_size=8).map(lambda text: f"X-{text}")


@st.composite
def generated(draw):
    """A valid request of any shape."""
    headers = [f"{n}: {v}" for n, v in draw(st.lists(st.tuples(NAME, VALUE), max_size=5))]
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]))
    target = draw(PATH) + draw(st.one_of(st.just(""), QUERY.map(lambda q: "?" + q)))
    body = draw(st.one_of(st.just(b""), st.binary(max_size=300))) if method[0] == "P" else b""
    if body and draw(st.booleans()):
        headers.append(cases.FORM)
    return cases.request(method, target, headers, body)


@settings(
    max_examples=int(os.environ.get("DIFF_EXAMPLES", "150")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(raw=generated())
def test_generated(servers, raw):
    _compare(servers, raw)
