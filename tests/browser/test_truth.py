"""What is not there: within five seconds the page and the front's own tell the truth of it."""

import time

import httpx
import pytest

from ..kit.broker_server import BrokerServer
from ..kit.waiting import wait_until
from .dashboard import Dashboard
from .example import Example
from .test_dashboard import background

pytestmark = pytest.mark.browser
WITHIN = 5.0  # seconds


@pytest.fixture
def site(tmp_path):
    """A site of its own, of which each part may be taken away."""
    broker = BrokerServer().start()
    site = Example(
        tmp_path,
        DJANGO_SETTINGS_MODULE="tests.browser.settings",
        QUEUEPROXY_BROKER_URL=broker.url,
    )
    site.broker = broker
    site.working = site.workers("--processes", "1", "--threads", "2")
    yield site
    broker.thaw()
    broker.revive()
    site.stop()
    broker.stop()


def told(page: Dashboard, words: str, began: float) -> None:
    """Wait for the words of the banner; they must come in time."""
    wait_until(lambda: words in page.text("#qp-outdated"), words, timeout=20)
    assert time.monotonic() - began < WITHIN
    assert "Everything below is as it was at" in page.text("#qp-outdated")


def well_again(page: Dashboard) -> None:
    """Wait until the page has gone on by itself."""
    wait_until(lambda: not page.text("#qp-outdated"), "all is well again", timeout=40)


def of_the_front(site: Example) -> str:
    """What ``/-/status`` says, in time."""
    asked = time.monotonic()
    text = httpx.get(f"{site.url}/-/status", timeout=20).text
    assert time.monotonic() - asked < WITHIN
    return text


def test_what_is_missing_is_told(site, open_dashboard):
    page = open_dashboard()
    page.renewed()

    site.broker.freeze()
    told(page, "The broker can't be reached.", time.monotonic())
    assert "The broker can&#x27;t be reached" in of_the_front(site)
    site.broker.thaw()
    well_again(page)

    site.stop(site.working)
    told(page, "There is no worker: requests wait until one starts.", time.monotonic())
    assert "No workers: requests wait until one starts." in of_the_front(site)
    site.workers("--processes", "1", "--threads", "2")
    well_again(page)

    site.kill_front()
    told(page, "No front answers", time.monotonic())
    assert background(page, "#qp-outdated") != "rgba(0, 0, 0, 0)"
    site.start_front()
    well_again(page)


def test_a_broker_that_died_is_told_by_its_name(site, open_dashboard):
    page = open_dashboard()
    page.renewed()
    site.broker.kill()
    told(page, "The broker can't be reached.", time.monotonic())
    assert "The broker can&#x27;t be reached" in of_the_front(site)
    site.broker.start()
    well_again(page)


def test_the_banner_stays_in_sight_on_a_phone(site, open_dashboard):
    page = open_dashboard(390, dark=True)
    page.renewed()
    site.kill_front()
    told(page, "No front answers", time.monotonic())
    page.browser.execute_script("scrollTo(0, document.body.scrollHeight)")
    top = "return document.querySelector('#qp-outdated').getBoundingClientRect().top"
    assert page.browser.execute_script(top) == 0
