"""Releases on the page: a person activates one and goes back, by mouse, keyboard and on a phone."""

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from queueproxy.broker.operate.releases import Releases

from ..kit.broker_server import BrokerServer
from ..kit.links import link_to
from ..kit.waiting import wait_until
from .example import Example
from .looks import in_nobodys_way
from .pages import complaints
from .person import Person
from .strict import reports

pytestmark = pytest.mark.browser
ACTIVATE, ROLL_BACK = "form[action$='activate/'] button", "form[action$='rollback/'] button"


@pytest.fixture(scope="module")
def _two_releases(tmp_path_factory):
    broker = BrokerServer().start()
    site = Example(
        tmp_path_factory.mktemp("releases"),
        DJANGO_SETTINGS_MODULE="tests.browser.settings",
        QUEUEPROXY_BROKER_URL=broker.url,
    )
    site.broker = broker
    site.workers("--standby", "--release", "r1", "--threads", "2")
    site.manage("runqueueworker", "--standby", "--release", "r2", "--threads", "2", FAULTY="1")
    yield site
    site.stop()
    broker.stop()


@pytest.fixture
def site(_two_releases):
    """A site that ``r1`` serves, while ``r2`` stands by; under a strict policy."""
    yield _two_releases
    assert reports(_two_releases.directory) == []


@pytest.fixture
def releases(site):
    with link_to(site.broker.url) as link:
        releases = Releases(link)
        wait_until(lambda: releases.activate("r2", keep=600).what != "no_worker", "r2", timeout=60)
        releases.activate("r1", keep=600)
        yield releases


def button(name: str) -> str:
    return f"[data-key=releases] [data-key={name}] a.button"


def test_activate_and_roll_back(open_dashboard, releases):
    page = open_dashboard()
    assert page.text(button("r2")).startswith("Roll back")  # it was active before
    releases.activate("r3", keep=600, force=True)
    releases.activate("r1", keep=600)
    page.renewed()
    wait_until(lambda: page.text(button("r2")).startswith("Activate"), "not the one before")
    page.press(button("r2"))
    assert page.text("h1").endswith("Activate r2?")
    assert "r1 1 of 1 worker ready" in page.text(".qp-facts").replace("\n", " ")
    assert page.press(ACTIVATE) == "Release r2 is active; r1 stands by."
    assert releases.activation().active == "r2"
    assert "active" in page.text("[data-key=releases] [data-key=r2]")
    page.press(button("r1"))
    assert page.press(ROLL_BACK) == "Rolled back. Release r1 is active; r2 stands by."
    assert releases.activation().active == "r1"
    assert not complaints(page.browser)


def test_an_incident_a_bad_release(open_dashboard, releases, site):
    """From the index of the admin to the release, and back to the one before."""
    releases.activate("r2", keep=600)
    for _ in range(10):
        assert httpx.get(f"{site.url}/faulty/", timeout=60).status_code == 500
    person = Person(open_dashboard())
    person.start_at_the_index()
    person.click("Queue", "#content-main a")
    failing = "[data-key=releases] tr:has(.qp-alarm)"
    wait_until(lambda: person.page.text(failing).startswith("r2"), "the culprit stands out")
    assert "errors of views in 5 min" in person.page.text("[data-figure=not_served]")
    wait_until(lambda: person.page.pixels("failures", "--qp-view_errors") > 5, "the chart")
    person.press(button("r1"))
    assert person.press(ROLL_BACK).startswith("Rolled back. Release r1 is active")
    assert person.clicks <= 3
    assert httpx.get(f"{site.url}/faulty/", timeout=60).status_code == 200


def test_somebody_else_was_faster(open_dashboard, releases):
    page = open_dashboard()
    page.press(button("r2"))
    releases.activate("r3", keep=600, force=True)
    releases.activate("r1", keep=600)
    assert page.press(ROLL_BACK).startswith("The release before is another meanwhile: r3.")
    assert releases.activation().active == "r1"


def test_without_javascript(open_dashboard, releases):
    page = open_dashboard(javascript=False)
    page.press(button("r2"))
    assert page.press(ROLL_BACK) == "Rolled back. Release r2 is active; r1 stands by."


def test_by_keyboard(open_dashboard, releases):
    page = open_dashboard()
    page.tab_to(button("r2"))
    page.renewed()  # and the focus stays
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_until(lambda: page.text("h1").endswith("Roll back to r2?"), "the question")
    page.tab_to(ROLL_BACK)
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_until(lambda: page.text(".messagelist").startswith("Rolled back. Release r2"), "done")


def test_nothing_is_in_the_way(open_dashboard, releases):
    page = open_dashboard()
    wait_until(lambda: page.browser.find_elements(By.CSS_SELECTOR, button("r2")), "the button")
    in_nobodys_way(page.browser)
    page.press(button("r2"))
    in_nobodys_way(page.browser)
