"""The example site and the dashboard in a real browser."""

import httpx
import pytest
from selenium.webdriver.common.by import By

from ..waiting import wait_until

pytestmark = pytest.mark.browser
QUEUE = "/admin/queueproxy/queue/"


def log_in(browser, example, name="admin", then="/"):
    browser.get(f"{example.url}/login/?next={then}")
    browser.find_element(By.NAME, "username").send_keys(name)
    browser.find_element(By.NAME, "password").send_keys(name)
    browser.find_element(By.CSS_SELECTOR, "main form button").click()
    wait_until(lambda: "/login/" not in browser.current_url, "logged in")


def press(browser, text):
    """Click the button of that name and wait for the next page."""
    button = browser.find_element(By.XPATH, f"//button[normalize-space()={text!r}]")
    browser.execute_script("arguments[0].click()", button)
    wait_until(lambda: _is_gone(button), f"a page after {text}")


def _is_gone(element):
    from selenium.common.exceptions import StaleElementReferenceException

    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    return False


def complaints(browser):
    """What the console holds against the page, CSP reports among it."""
    return [e["message"] for e in browser.get_log("browser") if "favicon" not in e["message"]]


def fits(browser):
    width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return browser.execute_script(f"return {width}")


def test_use_the_site(example, open_browser, tmp_path):
    from PIL import Image

    browser = open_browser()
    log_in(browser, example, "demo", "/things/new/")
    Image.new("RGB", (60, 40), "teal").save(tmp_path / "teal.png")
    browser.find_element(By.NAME, "name").send_keys("Teal thing")
    browser.find_element(By.NAME, "image").send_keys(str(tmp_path / "teal.png"))
    press(browser, "Save")
    assert "was added" in browser.find_element(By.CSS_SELECTOR, ".messages").text
    image = browser.find_element(By.CSS_SELECTOR, ".detail img")
    wait_until(lambda: browser.execute_script("return arguments[0].naturalWidth", image) == 60)
    press(browser, "☆ Add to favourites")
    browser.get(f"{example.url}/favourites/")
    assert "Teal thing" in browser.page_source
    pid = browser.find_element(By.CSS_SELECTOR, "footer").text.split()[-1].rstrip(".")
    assert pid.isdigit()
    assert int(pid) != example._process.pid
    browser.get(f"{example.url}/")
    browser.find_element(By.CSS_SELECTOR, "a[href*='export']").click()
    file = wait_until(lambda: next(iter(tmp_path.glob("things*.csv")), None), "the download")
    wait_until(lambda: "Teal thing" in file.read_text())
    assert not complaints(browser)


def test_dashboard_shows_pauses_and_resumes(example, open_browser):
    browser = open_browser()
    log_in(browser, example, "admin", QUEUE)
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, "#qp-chart-depth canvas"), "a chart")
    done = "[data-queue=default] [data-f=completed]"
    before = int(browser.find_element(By.CSS_SELECTOR, done).text)
    httpx.get(example.url + "/async/")
    wait_until(
        lambda: int(browser.find_element(By.CSS_SELECTOR, done).text) > before, "live figures"
    )
    browser.find_element(By.NAME, "reason").send_keys("a test")
    press(browser, "Pause all")
    assert "Paused by admin: a test" in browser.page_source
    assert "Paused: high, default, low" in browser.find_element(By.ID, "qp-badges").text
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(example.url + "/async/", timeout=0.5)
    press(browser, "Resume all")
    assert httpx.get(example.url + "/async/", timeout=5).status_code == 200
    assert not browser.find_element(By.ID, "qp-badges").text
    assert not complaints(browser)


@pytest.mark.parametrize("dark", [False, True])
def test_dashboard_on_a_phone(example, open_browser, dark):
    browser = open_browser(390, 844, dark=dark)
    log_in(browser, example, "admin", QUEUE)
    wait_until(lambda: browser.find_elements(By.CSS_SELECTOR, "#qp-chart-depth canvas"), "a chart")
    assert fits(browser)
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") is not dark
    for page in ("/", "/request/", "/favourites/", "/things/new/"):
        browser.get(example.url + page)
        assert fits(browser), page


def test_dashboard_without_javascript(example, open_browser):
    browser = open_browser(javascript=False)
    log_in_plainly(browser, example)
    browser.get(example.url + QUEUE)
    tile = browser.find_element(By.CSS_SELECTOR, "[data-queue=default]")
    assert tile.find_element(By.CSS_SELECTOR, "polyline").get_attribute("points")
    assert "The charts need JavaScript" in browser.page_source
    tile.find_element(By.CSS_SELECTOR, "button").click()
    wait_until(lambda: "Paused by admin" in browser.page_source, "paused")
    browser.find_element(By.CSS_SELECTOR, "[data-queue=default] button").click()
    wait_until(lambda: "Paused by admin" not in browser.page_source, "resumed")


def log_in_plainly(browser, example):
    """Log in by HTTP and give the browser the session."""
    with httpx.Client(base_url=example.url, timeout=30) as client:
        token = client.get("/login/").text.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
        form = {"username": "admin", "password": "admin", "csrfmiddlewaretoken": token}
        assert client.post("/login/", data=form).status_code == 302
        browser.get(example.url + "/async/")
        for cookie in client.cookies.jar:
            browser.add_cookie({"name": cookie.name, "value": cookie.value, "path": "/"})


def test_who_may_do_what(example):
    with httpx.Client(base_url=example.url, timeout=30) as client:
        assert client.get(QUEUE).headers["location"].startswith("/admin/login/")
        token = client.get("/login/").text.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
        form = {"username": "demo", "password": "demo", "csrfmiddlewaretoken": token}
        client.post("/login/", data=form)
        answer = client.get(QUEUE)  # logged in, and not staff: the admin asks for another name
        assert answer.status_code == 302
        assert client.get(QUEUE + "data/").status_code == 302
