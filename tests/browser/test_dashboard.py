"""The dashboard in a real browser, before a system that works."""

import threading

import httpx
import pytest
from selenium.webdriver.common.keys import Keys

from queueproxy.broker.operate.control import Control

from ..acceptance.site import Pending
from ..kit.links import link_to
from ..kit.waiting import wait_until
from .pages import complaints, fits, ground, press
from .strict import reports

pytestmark = pytest.mark.browser
CHARTS = ("requests", "rates", "waits")


class Load:
    """Clients that read one page after the other, until they are told to leave."""

    def __init__(self, site, clients: int = 4):
        self._url = f"{site.url}/run/"
        self._file = site.directory / "runs"
        self._before = self.runs()
        self._stop = threading.Event()
        self.statuses: list[int] = []
        self._threads = [threading.Thread(target=self._read) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        with httpx.Client(timeout=90) as client:
            while not self._stop.wait(0.05):
                self.statuses.append(client.get(self._url).status_code)

    def runs(self) -> int:
        """How often the view has been run."""
        return len(self._file.read_text().splitlines()) if self._file.exists() else 0

    def leave(self) -> None:
        """Wait for the last answers: each 200, from one execution."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert set(self.statuses) == {200}
        assert self.runs() - self._before == len(self.statuses)


@pytest.fixture
def load(site):
    load = Load(site)
    yield load
    load.leave()


@pytest.fixture
def control(site):
    with link_to(site.broker.url) as link:
        yield Control(link)


def test_the_charts_are_drawn_from_live_data(open_dashboard, load):
    page = open_dashboard()
    for chart, series in (("requests", "in_flight"), ("rates", "arrivals"), ("waits", "p99")):
        wait_until(lambda c=chart, s=series: page.pixels(c, f"--qp-{s}") > 5, chart)
    wait_until(lambda: float(page.legend("rates", 1) or 0) > 5, "the rate of arrivals")
    done = page.figure("default", "completed")
    wait_until(lambda: page.figure("default", "completed") > done + 20, "live figures")
    assert "r1" in page.text("[data-part=deploys]")
    assert "r1" in page.text("#qp-workers ~ table")
    assert not complaints(page.browser)


def background(page, css: str) -> str:
    return page.style(css, "background-color")


def test_pause_under_load_and_resume(open_dashboard, load, control):
    page = open_dashboard()
    wait_until(lambda: page.figure("default", "completed") > 0)
    page.find("[name=reason]").send_keys("a test")
    quiet = background(page, "#qp-resume button")
    said = page.press("#qp-pause button", confirm=True)
    assert said.startswith("Paused high, default, low for at most")
    wait_until(lambda: control.stillness(["default"]) == (True, 0), "nothing in flight")
    runs = load.runs()
    wait_until(lambda: page.figure("default", "depth") >= 4, "all clients wait, and it shows")
    assert "Paused by admin since" in page.text("[data-key=default]")
    assert "a test" in page.text("[data-key=default]")
    assert page.text(".qp-badges") == "Paused: high, default, low"
    wait_until(lambda: page.pixels("requests", "--qp-pause") > 200, "the band of the pause")
    assert load.runs() == runs
    assert quiet == "rgba(0, 0, 0, 0)" != background(page, "#qp-resume button")
    assert page.press("#qp-resume button") == "Resumed high, default, low."
    wait_until(lambda: load.runs() > runs + 20, "served again")
    wait_until(lambda: page.text(".qp-badges") == "", "no badge")
    assert not complaints(page.browser)


def test_pause_one_queue_and_withdraw_a_request(open_dashboard, site, control):
    page = open_dashboard()
    assert page.press("[data-key=default] [data-key=pause]").startswith("Paused default for")
    first, second = (Pending("GET", f"{site.url}/run/?{n}", {}) for n in (1, 2))
    wait_until(lambda: len(page.waiting("GET /run/")) == 2, "both in the list")
    press(page.browser, lambda: page.waiting("GET /run/")[0])
    assert page.text(".messagelist") == "GET /run/ was withdrawn; its client was told."
    wait_until(lambda: not (first.is_alive() and second.is_alive()), "one is answered")
    withdrawn, waiting = (first, second) if not first.is_alive() else (second, first)
    assert withdrawn.result().status_code == 503
    assert waiting.is_alive()
    assert page.press("[data-key=default] [data-key=resume]") == "Resumed default."
    assert waiting.result().status_code == 200
    assert not complaints(page.browser)


def test_a_dead_letter_is_run_again(open_dashboard, site, control):
    page = open_dashboard()
    assert httpx.post(f"{site.url}/die/again/", timeout=60).status_code == 502
    rows = "[aria-labelledby=qp-letters] tbody tr"
    wait_until(lambda: "POST /die/again/" in page.text(rows), "the letter shows by itself")
    page.click(f"{rows}:first-child [formaction$='replay/']")
    alert = page.browser.switch_to.alert
    assert alert.text == "Run POST /die/again/ again, as it was sent?"
    alert.dismiss()
    assert len(control.dead_letters()) == 1
    page.renewed()  # and the page goes on
    said = page.press(f"{rows}:first-child [formaction$='replay/']", confirm=True)
    assert said == "POST /die/again/ was run again and answered 200."
    assert control.dead_letters() == []


def test_look_at_a_dead_letter_and_discard_it(open_dashboard, site, control):
    httpx.post(f"{site.url}/die/discard/", headers={"Cookie": "sessionid=s3cret"}, timeout=60)
    page = open_dashboard()
    page.press("[aria-labelledby=qp-letters] td a")
    assert "POST /die/discard/" in page.text("h1 ~ .qp")
    assert "s3cret" not in page.browser.page_source
    assert "was discarded" in page.press("[formaction$='discard/']", confirm=True)
    assert control.dead_letters() == []
    assert not complaints(page.browser)


def test_without_javascript(open_dashboard, load):
    page = open_dashboard(javascript=False)
    wait_until(lambda: _reloaded(page, "[data-key=default] polyline"), "the sparkline")
    assert "The charts need JavaScript" in page.text("noscript")
    assert "r1" in page.text("[data-part=deploys]")
    assert page.press("[data-key=low] [data-key=pause]").startswith("Paused low for at most")
    assert "Paused by admin" in page.text("[data-key=low]")
    assert page.press("[data-key=low] [data-key=resume]") == "Resumed low."
    assert "Paused by admin" not in page.text("[data-key=low]")
    page.press("[aria-label=Window] a:nth-child(3)")
    assert page.text("[aria-label=Window] [aria-current]") == "6h"


def test_what_can_not_be_taken_back_is_asked_without_javascript_too(open_dashboard, site):
    assert httpx.post(f"{site.url}/die/no-script/", timeout=60).status_code == 502
    page = open_dashboard(javascript=False)
    discard = "[aria-labelledby=qp-letters] .qp-delete"
    page.press(discard)
    assert "Discard POST /die/no-script/ for good?" in page.text(".qp")
    page.press(".qp-decide a")
    assert "/die/no-script/" in page.text("[aria-labelledby=qp-letters]")
    page.press(discard)
    assert page.press(".qp-decide button").endswith("was discarded.")
    assert "/die/no-script/" not in page.text(".qp")


def _reloaded(page, css: str) -> bool:
    page.open()
    return bool(page.find(css).get_attribute("points"))


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone(open_dashboard, site, control, width):
    control.pause(["low"], 300, by="a-person-with-a-long-name@example.org", reason="x" * 100)
    held = Pending("GET", f"{site.url}/things/export.csv?{'y' * 300}", {})
    assert httpx.post(f"{site.url}/die/phone{width}/", timeout=60).status_code == 502
    page = open_dashboard(width)
    wait_until(lambda: page.browser.find_elements("css selector", ".qp-chart canvas"), "charts")
    wait_until(lambda: "export.csv" in page.text("[aria-labelledby=qp-waiting]"))
    assert fits(page.browser)
    page.press("[aria-labelledby=qp-letters] td a")
    assert fits(page.browser)
    page.press("[formaction$='discard/']", confirm=True)
    assert fits(page.browser)
    control.resume(["low"])
    assert held.result().status_code == 200


def test_dark_mode(open_dashboard, load):
    page = open_dashboard(dark=True)
    assert ground(page.browser) == "rgb(18, 18, 18)"
    wait_until(lambda: page.pixels("rates", "--qp-arrivals") > 5, "a chart")
    page.find("button.theme-toggle").click()  # from auto to light
    assert ground(page.browser) == "rgb(255, 255, 255)"
    wait_until(lambda: page.pixels("rates", "--qp-arrivals") > 5, "drawn in other colours")


def test_by_keyboard(open_dashboard, load, control):
    """The figures change under the focus, and it stays where it is."""
    page = open_dashboard()
    button = "[data-key=low] [data-key=pause]"
    page.tab_to(button)
    focused = page.browser.switch_to.active_element
    page.renewed()
    page.renewed()
    assert page.browser.switch_to.active_element == focused == page.find(button)
    focused.send_keys(Keys.ENTER)
    wait_until(lambda: control.paused(["low"]), "paused")
    wait_until(lambda: page.text(".messagelist").startswith("Paused low"), "the next page")


def test_a_table_keeps_still_under_the_focus(open_dashboard, site, control):
    """A row does not slip away while somebody is about to press its button."""
    control.pause(["default"], 300, by="test")
    held = [Pending("GET", f"{site.url}/run/", {})]
    page = open_dashboard()
    wait_until(lambda: len(page.waiting("GET /run/")) == 1)
    page.browser.execute_script("arguments[0].focus()", page.waiting("GET /run/")[0])
    depth = page.figure("default", "depth")
    held.append(Pending("GET", f"{site.url}/run/", {}))
    wait_until(lambda: page.figure("default", "depth") > depth, "the tile goes on")
    assert len(page.waiting("GET /run/")) == 1
    page.browser.execute_script("document.activeElement.blur()")
    wait_until(lambda: len(page.waiting("GET /run/")) == 2, "the table goes on")
    control.resume(["default"])
    assert {one.result().status_code for one in held} == {200}


def test_nothing_is_asked_for_while_nobody_looks(open_dashboard, site):
    page = open_dashboard()
    page.renewed()
    asked = (
        "return performance.getEntriesByType('resource').filter(e => /data/.test(e.name)).length"
    )
    page.browser.minimize_window()
    clock = site.broker.client().time
    assert page.browser.execute_script("return document.hidden")
    start, before = clock()[0], page.browser.execute_script(asked)
    wait_until(lambda: clock()[0] > start + 6, "three rounds' time")
    # One may have been under way.
    assert page.browser.execute_script(asked) <= before + 1


def test_it_says_that_it_has_no_answer(open_dashboard, site, broker_frozen):
    page = open_dashboard()
    page.renewed()
    with broker_frozen():
        wait_until(lambda: "Everything below is as it was at" in page.text("#qp-outdated"))
        assert page.style("[data-part=tiles]", "filter") != "none"
    wait_until(lambda: not page.text("#qp-outdated"), "renewed again", timeout=40)
    assert page.style("[data-part=tiles]", "filter") == "none"


@pytest.fixture
def broker_frozen(site):
    from contextlib import contextmanager

    @contextmanager
    def frozen():
        site.broker.freeze()
        try:
            yield
        finally:
            site.broker.thaw()

    return frozen


def test_the_policy_is_enforced_and_reports_come(site, open_browser):
    """Else that none came would say nothing."""
    browser = open_browser()
    browser.get(f"{site.url}/offend/")
    assert browser.title == "x"
    (report,) = wait_until(lambda: reports(site.directory), "a report")
    assert "inline" in report
    assert complaints(browser)
    (site.directory / "csp-reports").unlink()


def test_motion_is_reduced_where_it_is_asked_for(open_dashboard):
    page = open_dashboard()
    shown = "return getComputedStyle(document.querySelector('.qp .button')).transitionDuration"
    assert page.browser.execute_script(shown) != "0s"
    feature = {"name": "prefers-reduced-motion", "value": "reduce"}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    assert page.browser.execute_script(shown) == "0s"
