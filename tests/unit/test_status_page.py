"""The front's own status page: truth in every state, strict policy, nothing of strangers obeyed."""

import base64
import hashlib
import json
import re

import pytest

from queueproxy.broker.observe.groups import GroupStats
from queueproxy.broker.observe.not_served import not_served
from queueproxy.front import status_page

from .test_screen import front, queue, request, snapshot, worker


def html(**values) -> str:
    return status_page.as_html(snapshot(**values), 60)


def troubles_of(page: str) -> list[str]:
    return re.findall(r"<li data-level=\w+>(.*?)</li>", page)


def text_of(page: str) -> str:
    """What a person reads of it."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_a_healthy_system():
    page = html()
    assert troubles_of(page) == ["Nothing is wrong."]
    assert "1 front · 2 workers · 3 held" in page
    assert "GET /b/" in page


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"workers": []}, "No workers: requests wait until one starts."),
        ({"fronts": []}, "No front: nobody accepts requests."),
        ({"queues": [queue("low", depth=1, oldest_wait_seconds=31.0)]}, "turned away in 29.0 s"),
        ({"workers": [worker(1, {**request("/x/"), "seconds": 99}, threads=1)]}, "GET /x/"),
    ],
)
def test_what_is_wrong_stands_on_top(values, told):
    page = html(**values)
    assert told in troubles_of(page)[0]
    assert page.index(told) < page.index("aria-label=Queues")


def test_what_was_not_served_as_wanted():
    failures = not_served({"hold_expired": 8, "5xx": 1, "<b>": 2})
    page = html(queues=[queue("low", not_served=failures)])
    (said,) = troubles_of(page)
    assert said.startswith("In 5 min: 8 turned away, 2 lost, 1 error of a view (waited for")
    assert "&lt;b&gt;: 2" in said
    assert "8 turned away" not in html()


def test_run_times_stand_beside_waits():
    page = text_of(html())
    assert "Wait p50 175 ms p95 242 ms p99 248 ms Run p50 18 ms p95 24 ms" in page


def test_a_tile_for_each_queue():
    page = html(queues=[queue("low", depth=4, in_flight=2, oldest_wait_seconds=3.0, paused=True)])
    told = "low paused 4 waiting 2 in flight, 0 completed Oldest wait 3.0 s Arriving 0.0/s"
    assert told in text_of(page)
    assert 'class="qp-tile qp-paused"' in page


def test_a_time_of_day_says_its_zone():
    since = 1_800_000_000.0  # 08:00 of 15 January 2027 in UTC
    page = html(queues=[queue("low", paused=True, pause={"by": "ann", "since": since})])
    assert "paused by ann since 08:00:00 UTC" in troubles_of(page)[0]
    assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC;", page)


def test_it_looks_as_the_page_in_the_admin():
    """Both have their design from one file."""
    design = status_page._DESIGN.read_text()
    assert design.strip() in html()
    pages = status_page._DESIGN.with_name("dashboard.css").read_text()
    for template in (status_page._DESIGN.parents[2] / "templates" / "queueproxy").glob("*.html"):
        text = template.read_text()
        assert text.count("queueproxy/dashboard.css") == text.count("queueproxy/design.css")
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(", pages), "a colour that is not in the design"
    used = set(re.findall(r"var\((--qp-[\w-]+)", design + pages + html()))
    assert used <= set(re.findall(r"(--qp-[\w-]+):", design))


def test_limited_views():
    assert "Limited views" not in html()
    page = html(groups=[GroupStats("<b>", 4, 4, 12)])
    assert "<td>&lt;b&gt;</td><td>4 of 4, 12 wait</td>" in page


def test_what_became_of_what_is_to_happen_once():
    assert "Exactly once" not in html()
    page = html(queues=[queue("low"), queue("high", retried_total=3, replayed_total=2)])
    assert "high 3 2 0" in text_of(page.partition("<h2>Exactly once")[2])


def test_the_broker_is_away():
    page = status_page.as_html_without_broker("Connection refused <1>", 0.0)
    assert "can&#x27;t be reached: Connection refused &lt;1&gt;" in troubles_of(page)[0]
    assert json.loads(status_page.as_json(None))["broker"]["reachable"] is False


def test_json_is_that_of_the_command():
    whole = snapshot()
    assert json.loads(status_page.as_json(whole)) == json.loads(json.dumps(whole.as_status()))


def test_strangers_text_is_escaped():
    path = "/<script>alert(1)</script>\x1b[2J"
    page = html(workers=[worker(1, request(path))], fronts=[{**front(), "host": "<b>"}])
    assert "<script" not in page
    assert "\x1b" not in page
    assert "&lt;b&gt;" in page


def test_the_policy_allows_this_style_and_nothing_else():
    (style,) = re.findall(r"<style>(.*?)</style>", html(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in status_page.CONTENT_SECURITY_POLICY
    assert status_page.CONTENT_SECURITY_POLICY.startswith("default-src 'none'")
    assert not re.search(r"\son\w+=|style=|<script|<link|<img", html())
