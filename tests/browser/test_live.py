"""The example site's live page and its upload with a progress bar."""

import os

import pytest
from PIL import Image
from selenium.webdriver.common.by import By

from ..kit.broker_server import BrokerServer
from ..kit.waiting import wait_until
from .axe import barriers
from .example import Example, token_of
from .pages import complaints, fits, press
from .test_site import button, log_in

pytestmark = pytest.mark.browser
TRICKLE = 40_000  # bytes a second: a picture is on its way for as long as a test looks at that
UNLIMITED = -1


def names(browser) -> list[str]:
    return [one.text for one in browser.find_elements(By.CSS_SELECTOR, "#feed a")]


def add(example, *new: str) -> None:
    with example.client("demo") as client:
        for name in new:
            form = {"name": name, "price": "1", **token_of(client, "/things/new/")}
            assert client.post("/things/new/", data=form).status_code == 302


def live(browser, example) -> None:
    """Open the page and wait until it is connected."""
    browser.get(f"{example.url}/live/")
    wait_until(lambda: browser.find_element(By.ID, "state").text == "Live", "a stream")


def test_what_is_added_appears(example, open_browser):
    browser = open_browser()
    live(browser, example)
    add(example, "First <b>", "Second")
    wait_until(lambda: names(browser)[:2] == ["Second", "First <b>"], "both")
    assert browser.find_element(By.CSS_SELECTOR, "#feed li").text.startswith("demo added Second")
    assert names(browser).count("Second") == 1
    assert not complaints(browser)


def test_nothing_is_lost_while_nobody_listens(example, open_browser):
    """The tab is hidden, as other tabs are looked at, and shown again."""
    browser = open_browser()
    live(browser, example)
    set_hidden(browser, True)
    add(example, *(f"Unseen {number}" for number in range(4)))
    set_hidden(browser, False)
    wait_until(lambda: names(browser)[:4] == [f"Unseen {number}" for number in (3, 2, 1, 0)])


def set_hidden(browser, hidden: bool) -> None:
    browser.execute_script(
        "Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))",
        hidden,
    )


def test_those_who_watch_take_no_thread_from_the_rest(example, open_browser):
    """With the two threads of `make run`."""
    browser = open_browser()
    live(browser, example)
    browser.execute_script(
        "window.others = Array.from({length: 5}, () => new EventSource('/live/events/?after=0'))"
    )
    with example.client("demo") as client:
        for _ in range(20):
            assert client.get("/", timeout=15).status_code == 200


@pytest.fixture
def on_event_loop(tmp_path):
    """The example site whose workers run requests on event loops."""
    broker = BrokerServer().start()
    site = Example(tmp_path, QUEUEPROXY_BROKER_URL=broker.url)
    site.workers("--processes", "1", "--async", "50")
    yield site
    site.stop()
    broker.stop()


def test_a_stream_stays_open_on_an_event_loop_and_outlives_its_worker(on_event_loop, open_browser):
    site, browser = on_event_loop, open_browser()
    live(browser, site)
    add(site, "Before")
    wait_until(lambda: names(browser)[:1] == ["Before"])
    streams = "return performance.getEntriesByType('resource').filter(e => /events/.test(e.name))"
    assert len(browser.execute_script(streams)) <= 1  # none has ended yet, or just the first
    site.processes[1].send_signal(1)  # SIGHUP: a fresh worker
    add(site, "Meanwhile")
    wait_until(lambda: names(browser)[:2] == ["Meanwhile", "Before"], "the other", timeout=60)
    assert names(browser).count("Before") == 1


# The upload


def image(path, side: int):
    """A picture that compression makes no smaller."""
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(path, "PNG")
    return str(path)


def slow_network(browser, bytes_a_second: int) -> None:
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_a_second,
        },
    )


def fill(browser, name: str, file: str) -> None:
    browser.find_element(By.NAME, "name").send_keys(name)
    browser.find_element(By.NAME, "image").send_keys(file)


def progress(browser) -> float | None:
    """How far the bar is; None where it shows none."""
    return browser.execute_script(
        "const bar = document.querySelector('progress');"
        "return bar && bar.checkVisibility() && bar.hasAttribute('value') ? bar.value : null"
    )


def test_an_upload_shows_how_far_it_is(example, open_browser, tmp_path):
    browser = open_browser()
    log_in(browser, example, "demo", "/things/new/")
    fill(browser, "Large picture", image(tmp_path / "large.png", 700))
    slow_network(browser, TRICKLE)
    assert progress(browser) is None
    button(browser, "Save").click()
    seen = [wait_until(lambda: progress(browser), "the bar")]
    wait_until(lambda: (progress(browser) or 1) > seen[0], "it moves")
    assert "MB" in browser.find_element(By.CSS_SELECTOR, ".sending").text
    assert not button(browser, "Save").is_enabled()
    slow_network(browser, UNLIMITED)
    wait_until(lambda: "/things/new/" not in browser.current_url, "the next page", timeout=60)
    said = wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".messages"), "the message")
    assert "“Large picture” was added" in said[0].text
    (shown,) = wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".detail img"), "it")
    assert shown.is_displayed()
    assert not complaints(browser)


def test_an_upload_that_is_refused_shows_why_and_may_be_tried_again(
    example, open_browser, tmp_path
):
    browser = open_browser()
    log_in(browser, example, "demo", "/things/new/")
    (tmp_path / "none.png").write_bytes(b"no picture")
    fill(browser, "Second try", str(tmp_path / "none.png"))
    button(browser, "Save").click()
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".errorlist"), "what is wrong")
    assert browser.switch_to.active_element.get_attribute("name") == "image"
    browser.find_element(By.NAME, "image").send_keys(image(tmp_path / "good.png", 10))
    press(browser, lambda: button(browser, "Save"))
    assert browser.find_element(By.TAG_NAME, "h1").text == "Second try"


def test_an_upload_whose_front_dies_says_so(on_event_loop, open_browser, tmp_path):
    site, browser = on_event_loop, open_browser()
    log_in(browser, site, "demo", "/things/new/")
    fill(browser, "Broken off", image(tmp_path / "large.png", 700))
    slow_network(browser, TRICKLE)
    button(browser, "Save").click()
    wait_until(lambda: progress(browser), "the bar")
    site.processes.remove(site.front)
    site.front.kill()
    site.front.wait()
    said = wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".sending .problem"))
    assert "nothing was saved" in said[0].text
    assert button(browser, "Save").is_enabled()


def test_without_scripts(example, open_browser, tmp_path):
    browser = open_browser(javascript=False)
    log_in(browser, example, "demo", "/things/new/")
    fill(browser, "Without scripts", image(tmp_path / "small.png", 10))
    press(browser, lambda: button(browser, "Save"))
    assert "was added" in browser.find_element(By.CSS_SELECTOR, ".messages").text

    def listed() -> bool:  # once a second has passed
        browser.get(f"{example.url}/live/")
        return names(browser)[:1] == ["Without scripts"]

    wait_until(listed)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_is_in_the_way(example, open_browser, tmp_path, width, dark):
    browser = open_browser(width, dark=dark)
    live(browser, example)
    assert fits(browser)
    assert barriers(browser) == []
    log_in(browser, example, "demo", "/things/new/")
    fill(browser, "Slow", image(tmp_path / "large.png", 700))
    slow_network(browser, TRICKLE)
    button(browser, "Save").click()
    wait_until(lambda: progress(browser), "the bar")
    assert fits(browser)
    assert barriers(browser) == []
    slow_network(browser, UNLIMITED)
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, ".messages"), "the message", 60)
    wait_until(lambda: browser.execute_script("return document.readyState") == "complete")
    assert fits(browser)
    assert barriers(browser) == []
