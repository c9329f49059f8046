"""The front's own answers, as a person sees them."""

import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from selenium.webdriver.common.by import By

from queueproxy.front.http import refusals
from queueproxy.front.http.own_answers import response
from queueproxy.front.http.refusals import Refusal

from ..acceptance.site import Site
from ..kit.waiting import wait_until
from .looks import LOOKS, in_nobodys_way
from .pages import complaints, press

pytestmark = pytest.mark.browser
ANSWERS = [
    *(one for one in vars(refusals).values() if isinstance(one, Refusal)),
    refusals.bad_request("The Host is not valid."),
    refusals.not_implemented("CONNECT is not implemented."),
]
METHODS = ("GET", "POST")


class _Handler(BaseHTTPRequestHandler):
    """Answers ``/NUMBER/METHOD`` as the front would; the page does not leave by itself."""

    def do_GET(self) -> None:
        _, number, method, *_ = self.path.split("/")
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        scope = {"method": method, "headers": headers}
        status, answered, body = response(ANSWERS[int(number)], "0123456789abcdef" * 2, scope)
        self.send_response(status)
        for name, value in answered:
            if name not in (b"refresh", b"date", b"connection"):
                self.send_header(name.decode(), value.decode())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words) -> None:
        pass


@pytest.fixture(scope="module")
def answers():
    """A server with a page for each answer; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_page(answers, open_browser):
    browser = open_browser()
    seen = set()
    for number, method in itertools.product(range(len(ANSWERS)), METHODS):
        browser.get(f"{answers}/{number}/{method}/")
        assert browser.find_element(By.TAG_NAME, "h1").text == browser.title
        # One of each status in every look: the others have the same page with other words.
        status = ANSWERS[number].status
        in_nobodys_way(browser, LOOKS[:1] if status in seen else LOOKS)
        seen.add(status)
        told = [text for text in complaints(browser) if "status of" not in text]
        assert told == [], ANSWERS[number]
        size = "return getComputedStyle(document.querySelector('h1')).fontSize"
        assert browser.execute_script(size) == "25.6px", "its style is allowed"


@pytest.fixture
def site(request, tmp_path, broker):
    """A front that holds nobody for longer than three seconds, or for so long."""
    site = Site(tmp_path, broker, "uvicorn", MAX_HOLD=getattr(request, "param", 3), LEASE=1)
    site.front()
    yield site
    site.stop()


@pytest.mark.parametrize("javascript", [True, False])
def test_it_loads_again_by_itself(site, open_browser, javascript):
    browser = open_browser(javascript=javascript)
    browser.get(f"{site.url}/run/a/?x=1")
    assert browser.title == "Please wait a moment"
    site.workers()
    wait_until(lambda: "a 0 1" in browser.page_source, "the view's answer", 40)
    assert browser.current_url == f"{site.url}/run/a/?x=1"


@pytest.mark.parametrize("site", [30], indirect=True)
def test_the_link_asks_for_the_same_page(site, open_browser):
    site.workers()
    browser = open_browser()
    browser.get(f"{site.url}/die/a/?x=1")
    assert browser.title == "The answer was lost"
    press(browser, lambda: browser.find_element(By.CSS_SELECTOR, "a.button"))
    assert browser.current_url == f"{site.url}/die/a/?x=1"
    wait_until(lambda: len(site.runs("a")) == 4, "asked for again")  # each GET is run twice


def test_a_form_that_was_not_taken(site, open_browser):
    browser = open_browser()
    browser.get(f"{site.url}/-/livez")
    browser.execute_script(
        "const form = document.createElement('form');"
        "form.method = 'post'; form.action = '/run/b/'; document.body.append(form); form.submit()"
    )
    wait_until(lambda: browser.title == "Please wait a moment", "the answer", 20)
    assert "Nothing was done, so it is safe to send it again." in browser.page_source
    assert not browser.find_elements(By.CSS_SELECTOR, "a, button, form")
    site.workers()
    wait_until(lambda: site.get("/run/ready/").status_code == 200, "they serve", 60)
    browser.refresh()  # a person would be asked, and confirm
    wait_until(lambda: "b 0 1" in browser.page_source, "the view's answer", 40)
    (line,) = site.runs("b")
    assert " POST " in line
