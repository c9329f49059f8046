"""No barriers: by axe-core, light and dark, on a desktop and on a phone."""

from uuid import uuid4

import httpx
import pytest

from queueproxy.broker.operate.control import Control

from ..acceptance.site import Pending
from ..kit.links import link_to
from ..kit.waiting import wait_until
from .axe import barriers, source

pytestmark = pytest.mark.browser
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_is_in_the_way(full, open_dashboard, width, dark):
    page = open_dashboard(width, dark=dark)
    wait_until(lambda: page.waiting("GET /things/export.csv"), "who waits")
    wait_until(lambda: page.pixels("requests", "--qp-depth") > 5, "a chart")
    assert barriers(page.browser) == []
    page.press(f"{LETTERS} a")
    assert barriers(page.browser) == []


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
