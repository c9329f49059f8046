"""The pages about routes: what they show, in which order, and of strangers' words nothing."""

import json
import re
from urllib.parse import urljoin

import pytest

from queueproxy.broker.route_counts import Timed

from ...brokers import counts_by_route
from .test_page import ROOT, WINDOWS, text_of

PAGE = f"{ROOT}routes/"


@pytest.fixture
def counted(scenario):
    """A slow route, a busy one, one that fails, and one named by somebody bad."""
    runs = [
        *[Timed("/slow/<int:id>/", 0.02, 2.0, False)] * 3,
        *[Timed("/busy/", 0.0, 0.003, False)] * 50,
        Timed("/bad/", 0.3, 0.02, True),
        Timed("/<script>'\"&route=1", 0.0, 0.001, False),
    ]
    args = counts_by_route(runs)
    scenario.kit.link().script("add_counts", "worker", "", 0, len(args) // 2, 0, 0, 0, *args)
    return scenario


def page_of(client, query: str = "", path: str = PAGE) -> str:
    answer = client.get(path + query)
    assert answer.status_code == 200
    return answer.content.decode()


def names_in(page: str) -> list[str]:
    """Of the rows, in order."""
    return [text_of(row) for row in re.findall(r'<tr role="row" data-key="([^"]*)"', page)]


def link_to(page: str, name: str) -> str:
    """The address of the link that a row, or the head of a column, is."""
    links = re.findall(r'<a href="([^"]+)">(.*?)</a>', page)
    (found,) = {address for address, text in links if text_of(text) == name}
    return urljoin(PAGE, found.replace("&amp;", "&"))


def test_the_slowest_first(counted, boss):
    page = page_of(boss)
    assert names_in(page)[0] == "/slow/&lt;int:id&gt;/"
    row = text_of(page.partition('data-key="/slow')[2].partition("</tr>")[0])
    assert row.endswith("1.8 s 2.4 s 2.5 s 18 ms 24 ms 25 ms 97% 0")
    assert "Counted since" in text_of(page)
    bad = text_of(page.partition('data-key="/bad')[2].partition("</tr>")[0])
    assert bad.endswith("1 (100%)")


@pytest.mark.parametrize(
    ("column", "first"),
    [
        ("Requests", "/busy/"),
        ("Run p99", "/slow/&lt;int:id&gt;/"),
        ("Wait p95", "/bad/"),
        ("5xx", "/bad/"),
        ("Route", "/&lt;script&gt;&#x27;&quot;&amp;route=1"),
    ],
)
def test_each_column_orders(counted, boss, column, first):
    """By a link: no script is needed."""
    table = page_of(boss, "?window=1h").partition('aria-labelledby="qp-routes">\n<thead')[2]
    page = page_of(boss, path=link_to(table.partition("</thead>")[0], column))
    assert names_in(page)[0] == first
    assert 'aria-current="true">1h<' in page
    (order,) = re.findall(r'aria-sort="(\w+)"><a [^>]*>([^<]*)', page)
    assert order == ("ascending" if column == "Route" else "descending", column)


def test_a_click_gives_its_charts(counted, boss):
    page = page_of(boss, path=link_to(page_of(boss), "/slow/&lt;int:id&gt;/"))
    assert "Requests 3" in text_of(page)
    assert "1.8 s, 2.4 s, 2.5 s" in text_of(page)
    found = re.search(r'id="qp-history-data" type="application/json">(.*?)</script>', page)
    history = json.loads(found.group(1))
    names = ("rate", "p50", "p95", "p99", "run_p50", "run_p95", "run_p99", "errors", "paused")
    assert {len(history[name]) for name in names} == {len(history["t"])}
    assert history["run_p50"][-1] == 1.75
    assert history["rate"][-1] > 0.04


def test_a_name_is_only_text(counted, boss):
    page = page_of(boss)
    assert "<script>'" not in page
    one = page_of(boss, path=link_to(page, "/&lt;script&gt;&#x27;&quot;&amp;route=1"))
    assert "Requests 1" in text_of(one)
    assert "<script>'" not in one


@pytest.mark.parametrize("window", WINDOWS)
def test_every_window(counted, boss, window):
    assert "97%" in page_of(boss, f"?window={window}")
    assert "97%" in page_of(boss, f"?window={window}&route=/slow/<int:id>/")


def test_what_is_not_known_is_the_default(scenario, boss):
    page = page_of(boss, "?window=9y&sort=__class__")
    assert 'aria-current="true">15m<' in page
    assert "No request was run in this time." in page
    assert "No request of this route" in page_of(boss, "?route=/nowhere/")


def test_the_page_of_all_shows_the_slowest(counted, boss):
    page = page_of(boss, path=ROOT)
    table = page.partition('data-key="slowest"')[2].partition("</section>")[0]
    assert names_in(table)[0] == "/slow/&lt;int:id&gt;/"
    assert f'href="{PAGE}"' in table
    assert f'href="{PAGE}?window=15m' in table
    parts = boss.get(f"{ROOT}data/").json()["parts"]
    assert "/slow/&lt;int:id&gt;/" in parts["tables"]


@pytest.mark.parametrize("query", ["", "?route=/a/"])
def test_with_the_broker_away(scenario, boss, broker, query):
    broker.kill()
    try:
        answer = boss.get(PAGE + query)
        assert answer.status_code == 503
        assert "The broker can't be reached" in answer.content.decode()
    finally:
        broker.revive()
