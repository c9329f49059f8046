"""One request, and lists of many, in a real browser."""

import re
from uuid import uuid4

import httpx
import pytest

from queueproxy.broker.handle import Broker
from queueproxy.broker.link.connect import BrokerAddress
from queueproxy.broker.operate.control import Control

from ..acceptance.site import Pending
from ..kit.waiting import wait_until
from .axe import barriers
from .looks import in_nobodys_way
from .pages import complaints, fits, press

pytestmark = pytest.mark.browser
PAGES = ("waiting/", "dead/", "waiting/withdraw/", "dead/discard/", "dead/replay/", "request/")


@pytest.fixture
def crowded(site):
    """Some wait, and one is dead."""
    link = Broker(BrokerAddress(site.broker.url), "queueproxy", 15).link("test")
    control = Control(link)
    assert httpx.post(f"{site.url}/die/{uuid4()}/", timeout=60).status_code == 502
    control.pause(["low"], 300, by="ann")
    held = [Pending("GET", f"{site.url}/things/export.csv", {}) for _ in range(3)]
    wait_until(lambda: len(control.oldest(["low"], 5)) == 3, "they wait")
    yield site
    control.resume(["low"])
    for one in held:
        assert one.result().status_code in (200, 503)
    for letter in control.dead_letters():
        control.discard(letter.id)
    link.close()


def test_nothing_is_in_the_way(crowded, open_dashboard):
    page = open_dashboard()
    for path in PAGES:
        page.open(path)
        in_nobodys_way(page.browser)
    assert not complaints(page.browser)


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_all_that_match_are_withdrawn(crowded, open_dashboard, javascript):
    page = open_dashboard(javascript=javascript)
    press(page.browser, lambda: page.find("[data-key=waiting] h2 a"))
    assert "3 in all" in page.text(".qp-numbers")
    page.find("[name=q]").send_keys("/things/exp")
    press(page.browser, lambda: page.find(".qp-find button"))
    assert "3 of 3 match" in page.text(".qp-numbers")
    press(page.browser, lambda: page.find(".qp-over .qp-delete"))
    assert "Withdraw 3 requests?" in page.text(".qp")
    assert "3 requests were withdrawn" in page.press(".qp-decide button")
    assert "Nothing waits" in page.text(".qp")
    assert not complaints(page.browser)


def test_an_incident_what_became_of_this_request(crowded, open_dashboard):
    """A client has sent the id that its error page showed."""
    wanted = uuid4().hex
    answer = httpx.get(
        f"{crowded.url}/slow/?seconds=1", headers={"X-Request-ID": wanted}, timeout=60
    )
    assert answer.status_code == 200
    page = open_dashboard()

    def shown() -> bool:
        page.open()
        page.find(".qp-find [name=id]").send_keys(wanted)
        press(page.browser, lambda: page.find(".qp-find button"))
        return "Answered with 200" in page.text(".qp-found")

    wait_until(shown, "its worker has told of it")
    assert "GET /slow/" in page.text(".qp-found h2")
    assert re.search(r" [1-9]\.\d s", page.text(".qp-found table"))
    assert barriers(page.browser) == []
    assert fits(page.browser)
