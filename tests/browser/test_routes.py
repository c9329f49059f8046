"""From "the site is slow" to the view, in a real browser."""

import httpx
import pytest

from ..kit.waiting import wait_until
from .looks import in_nobodys_way
from .pages import complaints
from .person import Person

pytestmark = pytest.mark.browser
CHARTS = {"route_rate": "rate", "runs": "run_p99", "route_waits": "p99"}
ROWS = "tbody [data-key] a"


@pytest.fixture
def slow_site(site):
    """A view that has become slow, among others that have not."""
    with httpx.Client(base_url=site.url, timeout=60) as client:
        for _ in range(4):
            assert client.get("/slow/?seconds=1").status_code == 200
            for path in ("/", "/run/", "/things/1/", "/nowhere/"):
                client.get(path)
    _have_been_slow_for(site, minutes=5)
    return site


def _have_been_slow_for(site, minutes: int) -> None:
    """As the scripts would have left it: a line needs more than one minute."""
    client = site.broker.client()
    minute = int(client.time()[0]) // 60 * 60
    client.hset("{queueproxy}:state", "routes_since", minute - 60 * minutes)
    for ago in range(1, minutes):
        key = f"{{queueproxy}}:history:routes:60:{minute - 60 * ago}"
        client.hset(key, "/slow/", "w3=4 wus=60000 r12=4 rus=60000000")


def names(page, css: str = ROWS) -> list[str]:
    return page.texts(css)


def test_an_incident_a_slow_view(slow_site, open_dashboard):
    """From the index of the admin to the view's charts."""
    page = open_dashboard()
    person = Person(page)
    person.start_at_the_index()
    person.click("Queue", "#content-main a")
    slowest = "[data-key=slowest] tbody a"
    wait_until(lambda: names(page, slowest)[:1] == ["/slow/"], "the culprit is first by itself")
    person.click("/slow/", slowest)
    assert person.clicks <= 3
    for chart, series in CHARTS.items():
        wait_until(lambda c=chart, s=series: page.pixels(c, f"--qp-{s}") > 5, chart)
    assert "Share of time" in page.text(".qp-figures")
    assert not complaints(page.browser)


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_the_table_is_ordered_by_its_head(slow_site, open_dashboard, javascript):
    page = open_dashboard(javascript=javascript)
    person = Person(page)
    person.click("All routes")
    assert names(page)[0] == "/slow/"
    person.click("Route", "thead a")
    assert names(page) == sorted(names(page))
    person.click("Run p95", "thead a")
    assert names(page)[0] == "/slow/"
    person.click("1h")
    assert names(page)[0] == "/slow/"
    assert page.text("th[aria-sort]").casefold() == "run p95"
    assert "(no route matched)" in names(page)
    assert "/nowhere/" not in page.text(".qp")
    assert not complaints(page.browser)


def test_nothing_is_in_the_way(slow_site, open_dashboard):
    page = open_dashboard()
    person = Person(page)
    person.click("All routes")
    in_nobodys_way(page.browser)
    person.click("/slow/", ROWS)
    wait_until(lambda: page.pixels("runs", "--qp-run_p99") > 5, "a chart")
    in_nobodys_way(page.browser)


def test_what_failed_shows_on_the_tile_and_in_the_chart(slow_site, open_dashboard):
    assert httpx.post(f"{slow_site.url}/die/{slow_site.port}-lost/", timeout=60).status_code == 502
    page = open_dashboard()
    wait_until(lambda: "lost in 5 min" in page.text("[data-figure=not_served]"), "the tile")
    assert "worker lost: " in page.text("[data-figure=not_served]")
    wait_until(lambda: page.pixels("failures", "--qp-lost") > 5, "the chart")
    wait_until(lambda: page.pixels("runs", "--qp-run_p99") > 5, "run times")
    assert not complaints(page.browser)
