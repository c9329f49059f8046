"""The site in a real browser: light, dark and on a phone, with nothing from elsewhere."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ..browser import axe
from ..browser.chromium import is_there, open_chromium
from ..kit.missing import Missing
from ..kit.waiting import wait_until

pytestmark = pytest.mark.browser

PAGES = [
    "index.html",
    "how-it-works.html",
    "deploying.html",
    "settings.html",
    "reference/commands.html",
    "reference/metrics.html",
    "comparison.html",
    "capacity.html",
    "benchmarks/index.html",
]
BACKGROUND = "return getComputedStyle(document.body).backgroundColor"
LOADED = "return performance.getEntriesByType('resource').map(entry => entry.name)"
PICTURES = "return [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
# What is around is the theme's, and so are code blocks.
BARRIERS = """
const done = arguments[arguments.length - 1];
const rules = { type: "tag", values: ["wcag2a", "wcag2aa"] };
axe.run({ include: ["article"], exclude: ["pre"] }, { runOnly: rules }).then(
  (found) => done(found.violations.map((one) => [one.id, one.nodes.map((n) => n.html)[0]])),
  (error) => done(String(error)));
"""
WIDER = "return document.documentElement.scrollWidth > window.innerWidth"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module", params=["light", "dark", "phone"])
def browser(request, tmp_path_factory):
    """A browser, and whether its system prefers dark."""
    if not is_there():
        raise Missing("Chromium and its driver")
    directory = tmp_path_factory.mktemp("chromium")
    dark, width = request.param == "dark", 400 if request.param == "phone" else 1300
    browser = open_chromium(directory, width, dark=dark)
    browser.is_dark = dark
    yield browser
    browser.quit()


def lightness(browser, script: str = BACKGROUND) -> float:
    """Of a colour such as ``rgb(30, 33, 41)``: 0 to 255."""
    parts = browser.execute_script(script).partition("(")[2].strip(")").split(",")
    return sum(float(part) for part in parts[:3]) / 3


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole(address, browser, page):
    browser.get(address + page)
    wait_until(lambda: not browser.execute_script(PICTURES), f"the pictures of {page}")
    assert (lightness(browser) < 128) == browser.is_dark
    assert not browser.execute_script(WIDER), "nobody has to move the page sideways"
    loaded = browser.execute_script(LOADED)
    assert [name for name in loaded if not name.startswith(address)] == []
    assert [entry["message"] for entry in browser.get_log("browser")] == []


@pytest.mark.parametrize("page", ["index.html", "how-it-works.html", "settings.html"])
def test_nobody_is_kept_out(address, browser, page):
    browser.get(address + page)
    browser.execute_script(axe.source())
    assert browser.execute_async_script(BARRIERS) == []


def test_the_search_finds_a_setting(address, browser):
    browser.get(address + "index.html")
    if browser.execute_script("return innerWidth") < 500:
        browser.execute_script("document.querySelector('label[for=__search]').click()")
    field = browser.find_element("css selector", "input.md-search__input")
    wait_until(field.is_displayed, "the field")
    field.send_keys("FRONT_SPOOL_DIR")

    def found() -> list[str]:
        links = browser.find_elements("css selector", ".md-search-result__link")
        return [link.get_attribute("href") for link in links]

    wait_until(lambda: any("settings.html" in link for link in found()), "a result")


def test_a_diagram_follows_the_page_and_not_only_the_system(address, browser):
    """Its colours come by `prefers-color-scheme`, which the page's own scheme sets."""
    browser.get(address + "how-it-works.html")
    before = browser.execute_script(BACKGROUND)
    name = "Light" if browser.is_dark else "Dark"
    browser.execute_script(f"document.querySelector('label[title={name}]').click()")
    wait_until(lambda: browser.execute_script(BACKGROUND) != before, "the other scheme")
    scheme = browser.execute_script(
        "return getComputedStyle(document.querySelector('img[src$=\".svg\"]')).colorScheme"
    )
    assert scheme == name.lower()
    browser.execute_script("localStorage.clear()")
