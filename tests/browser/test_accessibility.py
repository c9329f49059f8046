"""No barriers: by axe-core, light and dark, on a desktop and on a phone."""

from uuid import uuid4

import httpx
import pytest

from queueproxy.broker.operate.control import Control

from ..acceptance.site import Pending
from ..kit.links import link_to
from ..kit.waiting import wait_until
from .axe import barriers, source
from .looks import in_nobodys_way
from .pages import press

pytestmark = pytest.mark.browser
ALIKE = ("body", ".qp-tile", ".qp-tile h2", ".qp-depth strong", ".qp-tile dt", ".qp-tile dd")
DRAWN = ("color", "background-color", "font-size", "font-weight", "border-radius", "padding-left")
LETTERS = "[aria-labelledby=qp-letters] tbody"


@pytest.fixture
def full(site):
    """Something in every part of the page: a pause, who waits, a dead letter."""
    with link_to(site.broker.url) as link:
        control = Control(link)
        assert httpx.post(f"{site.url}/die/{uuid4()}/", timeout=60).status_code == 502
        control.pause(["low"], 300, by="ann", reason="reports can wait")
        held = Pending("GET", f"{site.url}/things/export.csv", {})
        yield site
        control.resume(["low"])
        assert held.result().status_code == 200
        for letter in control.dead_letters():
            control.discard(letter.id)


def test_nothing_is_in_the_way(full, open_dashboard):
    page = open_dashboard()
    wait_until(lambda: page.waiting("GET /things/export.csv"), "who waits")
    wait_until(lambda: page.pixels("requests", "--qp-depth") > 5, "a chart")
    in_nobodys_way(page.browser)
    page.press(f"{LETTERS} a")
    in_nobodys_way(page.browser)
    page.open("clients/")
    in_nobodys_way(page.browser)
    page.browser.get(f"{full.url}/-/status?renew=never")
    in_nobodys_way(page.browser)


def test_the_only_barrier_of_the_front_can_be_taken_away(full, open_dashboard):
    """Its own page renews itself, unless it is told not to; it has no script that could."""
    page = open_dashboard()
    page.browser.get(f"{full.url}/-/status")
    (found,) = barriers(page.browser)
    assert "Delayed refresh" in found
    press(page.browser, lambda: page.find("main p a"))
    in_nobodys_way(page.browser)


def test_a_page_that_is_out_of_date_can_still_be_read(full, open_dashboard):
    page = open_dashboard()
    page.renewed()
    full.broker.freeze()
    try:
        wait_until(lambda: page.text("#qp-outdated"), "the banner")
        in_nobodys_way(page.browser)
    finally:
        full.broker.thaw()
    wait_until(lambda: not page.text("#qp-outdated"), "an answer", timeout=40)


def test_the_page_and_the_front_look_alike(site, open_dashboard):
    page = open_dashboard()
    seen = {css: looks(page, css) for css in ALIKE}
    page.browser.get(f"{site.url}/-/status")
    assert {css: looks(page, css) for css in ALIKE} == seen


def looks(page, css: str) -> list[str]:
    """How an element is drawn."""
    return [page.style(css, name) for name in DRAWN]


def test_a_barrier_is_found(full, open_dashboard):
    """Else that none was found would say nothing."""
    page = open_dashboard()
    page.browser.execute_script(
        "document.querySelector('[name=reason]').parentElement.replaceWith("
        "document.createElement('input'))"
    )
    (found,) = barriers(page.browser)
    assert "Form elements must have labels" in found


def test_it_is_the_version_that_was_asked_for():
    assert "4.11.0" in source()[:200]
