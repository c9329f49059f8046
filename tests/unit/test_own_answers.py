"""What the front's own answers say, to whom, and when they offer to send a request again."""

import itertools
import json
import re
from html.parser import HTMLParser

import pytest

from queueproxy.front.http import refusals
from queueproxy.front.http.own_answers import RELOAD_WITHIN, response
from queueproxy.front.http.refusals import RETRY_AFTER, Executed, Refusal

ALL = [
    *(value for value in vars(refusals).values() if isinstance(value, Refusal)),
    refusals.bad_request("The Host is not valid."),
    refusals.not_implemented("CONNECT is not implemented."),
]
READ = [one for one in ALL if one.status not in (414, 431)]  # those are answered before that
each = pytest.mark.parametrize("refusal", READ, ids=lambda one: f"{one.status} {one.detail}")
LINK = '<a class="button" href="">Try again</a>'


def scope(accept: str = "text/html", method: str = "GET") -> dict:
    return {"method": method, "headers": [(b"host", b"a"), (b"accept", accept.encode())]}


def page(refusal: Refusal, method: str = "GET", **options) -> tuple[dict[bytes, bytes], str]:
    _, headers, body = response(refusal, "an-id", scope(method=method), **options)
    return dict(headers), body.decode()


@each
def test_a_page(refusal):
    headers, text = page(refusal)
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"vary"] == b"Accept"
    assert headers[b"cache-control"] == b"no-store"
    assert int(headers[b"content-length"]) == len(text.encode()) < 3000
    assert "<code>an-id</code>" in text
    assert str(refusal.status) in text
    assert "$" not in text
    Balanced().feed(text)


class Balanced(HTMLParser):
    """Fails where an element is closed that is not the last that was opened."""

    def __init__(self):
        super().__init__()
        self._open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag


@each
def test_problem_details(refusal):
    status, headers, body = response(refusal, "an-id", scope("application/json", "POST"))
    assert dict(headers)[b"content-type"] == b"application/problem+json"
    assert dict(headers)[b"vary"] == b"Accept"
    told = json.loads(body)
    assert told["status"] == status == refusal.status
    assert told["type"] == "about:blank"
    assert told["detail"] == refusal.detail
    assert told["request_id"] == "an-id"
    assert told["executed"] == refusal.executed.value
    assert told["safe_to_send_again"] is (told["executed"] in ("no", "nothing_kept"))
    assert told.get("retry_after") == refusal.retry_after


@each
def test_two_lines_of_text(refusal):
    _, headers, body = response(refusal, "an-id", scope("*/*"))
    assert dict(headers)[b"content-type"] == b"text/plain; charset=utf-8"
    assert body.decode().splitlines() == [refusal.detail, "Request id: an-id"]


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_head_is_answered_as_get_without_a_body(accept):
    status, headers, body = response(refusals.BAD_REPLY, "an-id", scope(accept))
    answered = response(refusals.BAD_REPLY, "an-id", scope(accept, "HEAD"))
    assert answered == (status, headers, b"")
    assert body


@each
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_was_sent_is_never_offered_to_be_sent_by_a_link(refusal, method):
    """A link would ask for the page instead."""
    for repeatable in (False, True):
        headers, text = page(refusal, method, repeatable=repeatable)
        assert LINK not in text
        assert b"refresh" not in headers


@each
def test_what_may_have_run_is_never_offered_to_be_sent_again(refusal):
    ran = refusal.executed in (Executed.UNKNOWN, Executed.YES)
    for method in ("POST", "GET"):
        _, text = page(refusal, method, repeatable=False)
        assert ("do not reload" in text) is ran
        if ran:
            assert LINK not in text
            assert "safe" not in text


@each
def test_where_it_may_be_repeated(refusal):
    _, text = page(refusal, "GET", repeatable=True)
    may_help = refusal.status in (408, 500, 502, 503, 504)
    assert (LINK in text) is may_help
    assert ("will not help" in text) is not may_help


@pytest.mark.parametrize(
    ("refusal", "method"), list(itertools.product(ALL, ["GET", "HEAD", "POST"]))
)
def test_which_pages_load_again_by_themselves(refusal, method):
    headers, _ = page(refusal, method)
    # What an operator took out of the queue does not come back.
    expected = (
        method != "POST"
        and refusal.status == 503
        and refusal not in (refusals.WITHDRAWN, refusals.NOT_COMMITTED)
    )
    assert (b"refresh" in headers) is expected
    for accept in ("*/*", "application/json"):
        _, headers, _ = response(refusal, "an-id", scope(accept, method))
        assert b"refresh" not in dict(headers)


def test_not_all_load_again_at_once():
    seconds = {int(page(refusals.QUEUE_FULL)[0][b"refresh"]) for _ in range(300)}
    assert min(seconds) >= RETRY_AFTER
    assert max(seconds) <= RELOAD_WITHIN
    assert len(seconds) > 5


def test_the_request_id_is_escaped():
    """No such id is taken from a client; the page does not count on that."""
    _, _, body = response(refusals.QUEUE_FULL, "<b>&\"'", scope())
    assert b"<code>&lt;b&gt;&amp;&quot;&#x27;</code>" in body


def test_before_there_is_a_request_it_is_text():
    _, headers, body = response(refusals.HEADERS_TOO_LARGE, "an-id")
    assert dict(headers)[b"content-type"] == b"text/plain; charset=utf-8"
    assert b"vary" not in dict(headers)
    assert body.count(b"\n") == 2


def test_the_policy_allows_the_style_and_nothing_else():
    headers, _ = page(refusals.QUEUE_FULL)
    policy = headers[b"content-security-policy"].decode()
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; "
        r"form-action 'none'; frame-ancestors 'self'",
        policy,
    )
