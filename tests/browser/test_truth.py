"""What is not there: within five seconds the page and the front's own tell the truth of it."""

import time
from collections.abc import Callable

import httpx
import pytest

from ..kit.broker_server import BrokerServer
from ..kit.waiting import wait_until
from .dashboard import Dashboard
from .example import Example
from .test_dashboard import background

pytestmark = pytest.mark.browser
Action = Callable[[], object]
WITHIN = 5.0  # seconds
TRIES = 3  # one of them is in time, also on a machine that is busy with something else now and then


def start_workers(site: Example) -> None:
    site.working = site.workers("--processes", "1", "--threads", "2")


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
    start_workers(site)
    yield site
    broker.thaw()
    broker.revive()
    site.stop()
    broker.stop()


def told(page: Dashboard, words: str, take_away: Action, give_back: Action) -> None:
    """Take something away and wait for the words of the banner; they must come in time."""
    took = []
    while not took or (took[-1] >= WITHIN and len(took) < TRIES):
        if took:
            give_back()
            well_again(page)
        take_away()
        began = time.monotonic()
        wait_until(lambda: words in page.text("#qp-outdated"), words, timeout=30)
        took.append(time.monotonic() - began)
    assert took[-1] < WITHIN, took
    assert "Everything below is as it was at" in page.text("#qp-outdated")


def well_again(page: Dashboard) -> None:
    """Wait until the page has gone on by itself."""
    wait_until(lambda: not page.text("#qp-outdated"), "all is well again", timeout=40)


def of_the_front(site: Example) -> str:
    """What ``/-/status`` says, in time."""
    took = []
    while not took or (took[-1] >= WITHIN and len(took) < TRIES):
        asked = time.monotonic()
        text = httpx.get(f"{site.url}/-/status", timeout=30).text
        took.append(time.monotonic() - asked)
    assert took[-1] < WITHIN, took
    return text


def test_what_is_missing_is_told(site, open_dashboard):
    page = open_dashboard()
    page.renewed()

    told(page, "The broker can't be reached.", site.broker.freeze, site.broker.thaw)
    assert "The broker can&#x27;t be reached" in of_the_front(site)
    site.broker.thaw()
    well_again(page)

    no_worker = "There is no worker: requests wait until one starts."
    told(page, no_worker, lambda: site.stop(site.working), lambda: start_workers(site))
    assert "No workers: requests wait until one starts." in of_the_front(site)
    start_workers(site)
    well_again(page)

    told(page, "No front answers", site.kill_front, site.start_front)
    assert background(page, "#qp-outdated") != "rgba(0, 0, 0, 0)"
    site.start_front()
    well_again(page)


def test_a_broker_that_died_is_told_by_its_name(site, open_dashboard):
    page = open_dashboard()
    page.renewed()
    told(page, "The broker can't be reached.", site.broker.kill, site.broker.start)
    assert "The broker can&#x27;t be reached" in of_the_front(site)
    site.broker.start()
    well_again(page)


def test_the_banner_stays_in_sight_on_a_phone(site, open_dashboard):
    page = open_dashboard(390, dark=True)
    page.renewed()
    told(page, "No front answers", site.kill_front, site.start_front)
    page.browser.execute_script("scrollTo(0, document.body.scrollHeight)")
    top = "return document.querySelector('#qp-outdated').getBoundingClientRect().top"
    assert page.browser.execute_script(top) == 0
