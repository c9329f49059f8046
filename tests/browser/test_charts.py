"""Charts that are honest: one zone, whole windows, dashes; and a page that stays where it was."""

import itertools
import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from ..kit.waiting import wait_until
from .pages import complaints, press

pytestmark = pytest.mark.browser
ZONE = "Asia/Kabul"
AHEAD = 4 * 60 + 30  # minutes, the whole year
SCROLLED = "return Math.round(window.scrollY)"


def minutes(text: str) -> int:
    """Of the first time of day in a text."""
    hours, minutes = re.search(r"(\d\d):(\d\d)", text).groups()
    return int(hours) * 60 + int(minutes)


def apart(a: str, b: str) -> int:
    """Minutes from one time of day to the other, whichever day."""
    return (minutes(a) - minutes(b)) % (24 * 60)


@pytest.fixture
def far_away(open_dashboard):
    """The page in a browser of Afghanistan."""
    page = open_dashboard()
    page.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ZONE})
    page.open()
    return page


def test_all_times_are_in_one_zone_that_is_named(far_away):
    page = far_away
    choice = Select(page.find("#qp-zone"))
    assert choice.first_selected_option.text == "Asia/Kabul (UTC+4:30)"
    deploy = "[data-part=deploys] .qp-deploy time"
    stamp = page.attribute(deploy, "datetime")
    assert apart(page.text(deploy).split(",")[-1], stamp.partition("T")[2]) == AHEAD
    assert "UTC" not in page.text("[data-part=deploys]")
    wait_until(lambda: page.legend("requests", 0), "a legend")
    page.renewed()  # and the times of what is renewed
    assert apart(page.text(deploy).split(",")[-1], stamp.partition("T")[2]) == AHEAD
    assert apart(page.text("#qp-renewed"), page.legend("requests", 0)) <= 1
    shown = page.legend("requests", 0)
    choice.select_by_value("UTC")
    assert apart(shown, page.legend("requests", 0)) in (AHEAD - 1, AHEAD)
    assert page.text(deploy).split(",")[-1].strip() == stamp.partition("T")[2][:5]
    page.open()
    assert Select(page.find("#qp-zone")).first_selected_option.text == "UTC"  # it is remembered
    assert not complaints(page.browser)


def test_without_scripts_each_time_says_that_it_is_utc(open_dashboard):
    page = open_dashboard(javascript=False)
    assert re.search(r"\d\d:\d\d UTC", page.text("[data-part=deploys]"))
    assert not page.find("#qp-zone").is_displayed()


def test_an_axis_is_as_wide_as_its_window(open_dashboard, site):
    """Of 30 days hardly anything was collected, and the chart says so."""
    page = open_dashboard()
    page.open("?window=30d")
    plot = page.find("[data-chart=requests] .u-over").size
    wait_until(lambda: page.pixels("requests", "--qp-before") > 0, "the time before")
    ground = page.pixels("requests", "--qp-before") / (plot["width"] * plot["height"])
    assert 0.8 < ground <= 1  # but for lines and words
    assert "Collected since" in page.text("[data-part=deploys]")


def test_lines_differ_by_more_than_their_colour(open_dashboard):
    page = open_dashboard()
    markers = page.browser.find_elements(By.CSS_SELECTOR, "[data-chart=waits] .u-marker")
    styles = [one.value_of_css_property("border-top-style") for one in markers]
    assert styles[-4:] == ["solid", "solid", "dashed", "dotted"]


def test_the_place_is_kept(open_dashboard):
    page = open_dashboard()
    page.browser.execute_script("window.scrollTo(0, 200)")
    wait_until(lambda: page.browser.execute_script(SCROLLED) == 200)
    page.renewed()
    page.renewed()
    assert page.browser.execute_script(SCROLLED) == 200
    page.click("[aria-label=Window] a:nth-child(2)")
    wait_until(lambda: "window=1h" in page.browser.current_url, "another window")
    wait_until(lambda: page.browser.execute_script(SCROLLED) == 200, "the same place")


def test_the_address_shows_the_same_to_others(open_dashboard):
    page = open_dashboard()
    wait_until(lambda: page.browser.current_url.endswith("?window=15m&of="), "the whole address")
    press(page.browser, lambda: page.find("[aria-label=Window] a:nth-child(3)"))
    press(page.browser, lambda: page.find("[aria-label='Queue of the charts'] a:nth-child(4)"))
    address = page.browser.current_url
    assert address.endswith("?window=6h&of=low")
    page.browser.get(address)
    assert page.text("[aria-label=Window] [aria-current]") == "6h"
    assert page.text("[aria-label='Queue of the charts'] [aria-current]") == "low"
    page.press("[data-key=low] [data-key=pause]")
    assert page.browser.current_url == address  # through an action too
    page.press("[data-key=low] [data-key=resume]")


# Draws a chart as narrow as a phone's; each text on it, from where to where, in CSS pixels.
DRAW = """
const [kind, history] = arguments;
const box = document.createElement("div");
Object.assign(box.dataset, { chart: kind, height: "200", since: "since" });
box.style.width = "330px";
document.getElementById("qp").append(box);
const told = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  const width = this.measureText(text).width;
  // uPlot moves the origin by half a pixel, and turns nothing here.
  const before = { left: 0, center: width / 2, right: width }[this.textAlign];
  const left = x + this.getTransform().e - before;
  told.push([text, left / devicePixelRatio, (left + width) / devicePixelRatio]);
};
const charts = new queueproxy.Charts([box], history);
const done = arguments[arguments.length - 1];
requestAnimationFrame(() => {
  CanvasRenderingContext2D.prototype.fillText = fillText;
  box.remove();
  done(told);
});
"""


def drawn(page, kind: str, **history) -> dict[str, tuple[float, float]]:
    """What is written on a chart over five minutes, and from where to where."""
    whole = {"t": [1700], "end": 1800, "reach": 300, "since": None, "paused": [0], "deploys": []}
    told = page.browser.execute_async_script(DRAW, kind, {**whole, **history})
    return {text: (left, right) for text, left, right in told}


def test_names_of_releases_do_not_cover_each_other(open_dashboard):
    names = ["the-first-of-all", "2026-11-28", "r1", "r2", "a-name-that-is-wider-than-a-chart" * 3]
    times = [1600, 1601, 1602, 1603, 1604]
    deploys = [{"t": t, "release": name} for t, name in zip(times, names, strict=True)]
    texts = drawn(open_dashboard(), "requests", deploys=deploys, depth=[1], in_flight=[0])
    places = sorted(texts[name] for name in names if name in texts)
    assert {"r1", "r2"} <= texts.keys()  # the newest that fit
    assert names[-1] not in texts
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(places)), places
    assert 0 <= places[0][0] < places[-1][1] <= 330


@pytest.mark.parametrize(
    ("kind", "history"),
    [
        ("route_waits", {"p50": [0.008], "p95": [0.008], "p99": [0.008]}),
        ("requests", {"depth": [23456], "in_flight": [0]}),
    ],
)
def test_ticks_are_written_whole(open_dashboard, kind, history):
    ticks = drawn(open_dashboard(), kind, **history)
    assert len(ticks) > 4
    assert all(left >= 0 for left, _ in ticks.values()), ticks
